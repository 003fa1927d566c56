import { Button } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconAddressBook, IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useRouteContext } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { revokeScimToken, type ScimToken, scimQuery } from '../../api/directories.ts';
import { may } from '../../api/rights.ts';
import { useAction } from '../../ui/action.ts';
import { Confirm } from '../../ui/confirm.tsx';
import { CopyText } from '../../ui/copy.tsx';
import { say } from '../../ui/notify.ts';
import { Card, Page, Section } from '../../ui/page.tsx';
import { Answer, Empty } from '../../ui/states.tsx';
import { NewTokenDialog } from './dialog.tsx';
import classes from './directories.module.css';
import { Steps } from './steps.tsx';
import { TokenCard } from './token-card.tsx';

/** Directories that keep people and groups by SCIM: where they write to, with which tokens, how they get on, and how to set one up. */
export function DirectoriesPage() {
  const { t } = useTranslation();
  const { session } = useRouteContext({ from: '/app' });
  const scim = useQuery(scimQuery());
  const [making, make] = useDisclosure(false);
  const [rotating, rotate] = useState<ScimToken>();
  const [ending, end] = useState<ScimToken>();
  const writes = may(session, 'settings.write');
  return (
    <Page
      title={t('directories.title')}
      lead={t('directories.lead')}
      actions={
        writes && (
          <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={make.open}>
            {t('directories.add')}
          </Button>
        )
      }
    >
      <Answer query={scim}>
        {({ url, tokens, issuers }) => (
          <>
            <Card>
              <div className={classes.address}>
                <p>{t('directories.url')}</p>
                <CopyText value={url} label={t('directories.url')} />
              </div>
            </Card>
            <Section title={t('directories.tokens')} lead={t('directories.tokensLead')}>
              {tokens.length === 0 ? (
                <Empty icon={<IconAddressBook size={26} stroke={1.6} />} title={t('directories.empty')}>
                  {t('directories.emptyLead')}
                </Empty>
              ) : (
                <div className={classes.tokens}>
                  {tokens.map((token) => (
                    <TokenCard
                      key={token.id}
                      token={token}
                      onRotate={writes ? () => rotate(token) : undefined}
                      onEnd={writes ? () => end(token) : undefined}
                    />
                  ))}
                </div>
              )}
            </Section>
            <Section title={t('directories.steps')} lead={t('directories.stepsLead')}>
              <Steps url={url} />
            </Section>
            <NewTokenDialog opened={making} onClose={make.close} issuers={issuers} />
            <NewTokenDialog
              opened={rotating !== undefined}
              onClose={() => rotate(undefined)}
              issuers={issuers}
              instead={rotating}
            />
          </>
        )}
      </Answer>
      <RevokeToken token={ending} onClose={() => end(undefined)} />
    </Page>
  );
}

function RevokeToken({ token, onClose }: { token: ScimToken | undefined; onClose: () => void }) {
  const { t } = useTranslation();
  const revoke = useAction((id: string) => revokeScimToken(id), {
    refresh: [['scim'], ['audit']],
    done: () => {
      onClose();
      say(t('directories.revoked', { name: token?.name }));
    },
  });
  const close = () => {
    onClose();
    revoke.reset();
  };
  return (
    <Confirm
      opened={token !== undefined}
      onClose={close}
      title={t('directories.revokeTitle', { name: token?.name })}
      verb={t('directories.revoke')}
      onConfirm={() => token && revoke.run(token.id)}
      pending={revoke.pending}
      problem={revoke.problem}
    >
      <p>{t('directories.revokeWhat')}</p>
    </Confirm>
  );
}
