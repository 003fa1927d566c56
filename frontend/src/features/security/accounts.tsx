import { Button, Menu } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useSearch } from '@tanstack/react-router';
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { type Identity, identitiesQuery, linkIdentity, unlinkIdentity } from '../../api/identity-providers.ts';
import { Problem } from '../../api/problem.ts';
import { signInQuery } from '../../api/session.ts';
import { useAction } from '../../ui/action.ts';
import { ConnectedAccounts } from '../../ui/connected-accounts.tsx';
import { say } from '../../ui/notify.ts';
import { Section } from '../../ui/page.tsx';
import { ProblemNote } from '../../ui/problem-note.tsx';
import { Answer } from '../../ui/states.tsx';
import { recall, remember } from './linking.ts';

/** The person's accounts at identity providers. One more is connected by signing in there, and the way back leads here. */
export function AccountSection() {
  const { t } = useTranslation();
  const { problem, id } = useSearch({ from: '/app/security' });
  const accounts = useQuery(identitiesQuery());
  useNews(accounts.data);
  return (
    <Section
      title={t('accounts.title')}
      lead={t('accounts.lead')}
      actions={accounts.data && accounts.data.length > 0 && <Connect have={accounts.data} />}
    >
      {problem && <ProblemNote problem={new Problem({ code: problem, requestId: id })} />}
      <Answer query={accounts}>
        {(list) => (
          <ConnectedAccounts
            list={list}
            unlink={unlinkIdentity}
            what={t('accounts.removeWhat')}
            refresh={[['identities'], ['session']]}
          />
        )}
      </Answer>
    </Section>
  );
}

function Connect({ have }: { have: Identity[] }) {
  const { t } = useTranslation();
  const ways = useQuery(signInQuery());
  const link = useAction((provider: string) => linkIdentity(provider), {
    done: ({ redirect }) => {
      remember(have);
      location.assign(redirect);
    },
  });
  const providers = ways.data?.providers ?? [];
  if (providers.length === 0) return null;
  return (
    <>
      <Menu position="bottom-end" shadow="md">
        <Menu.Target>
          <Button variant="default" leftSection={<IconPlus size={16} aria-hidden />} loading={link.pending}>
            {t('accounts.connect')}
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {providers.map((p) => (
            <Menu.Item key={p.id} onClick={() => link.run(p.id)}>
              {t('accounts.connectAt', { name: p.name })}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
      <ProblemNote problem={link.problem} />
    </>
  );
}

/** Says what is new since the person left for a provider. */
function useNews(list: Identity[] | undefined) {
  const { t } = useTranslation();
  useEffect(() => {
    if (!list) return;
    for (const one of recall(list)) say(t('accounts.linked', { name: one.provider || one.issuer }));
  }, [list, t]);
}
