import { Button } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconTerminal2 } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useRouteContext } from '@tanstack/react-router';
import { useState } from 'react';
import { Trans, useTranslation } from 'react-i18next';
import { endPersonToken, endPersonTokens, type Person, personTokensQuery } from '../../api/people.ts';
import { may } from '../../api/rights.ts';
import type { Token } from '../../api/session.ts';
import { useAction } from '../../ui/action.ts';
import { Confirm } from '../../ui/confirm.tsx';
import { Card, Section } from '../../ui/page.tsx';
import { useRightText } from '../../ui/right-text.ts';
import rows from '../../ui/rows.module.css';
import { Answer } from '../../ui/states.tsx';
import { RelativeTime } from '../../ui/time.tsx';

/** A person's tokens, with an end of one and of all. */
export function PersonTokens({ person }: { person: Person }) {
  const { t } = useTranslation();
  const { session } = useRouteContext({ from: '/app' });
  const tokens = useQuery(personTokensQuery(person.id));
  const [endingAll, askAll] = useDisclosure(false);
  const [ending, ask] = useState<Token>();
  const writes = may(session, 'people.write');
  const refresh = [personTokensQuery(person.id).queryKey, ['audit']];
  const endAll = useAction(() => endPersonTokens(person.id), { refresh, done: askAll.close });
  const end = useAction((id: string) => endPersonToken(person.id, id), { refresh, done: () => ask(undefined) });
  const name = person.name || person.email;
  const button = writes && (tokens.data?.length ?? 0) > 1 && (
    <Button variant="default" size="xs" onClick={askAll.open}>
      {t('people.endTokens')}
    </Button>
  );
  return (
    <Section title={t('people.tokens')} actions={button}>
      <Card flush>
        <Answer query={tokens}>
          {(list) =>
            list.length === 0 ? (
              <p className={rows.none}>{t('people.noTokens')}</p>
            ) : (
              <ul className={rows.rows}>
                {list.map((token) => (
                  <Row key={token.id} token={token} onEnd={writes ? () => ask(token) : undefined} />
                ))}
              </ul>
            )
          }
        </Answer>
      </Card>
      <Confirm
        opened={endingAll}
        onClose={askAll.close}
        title={t('people.endTokensTitle', { name })}
        verb={t('people.endTokens')}
        onConfirm={() => endAll.run()}
        pending={endAll.pending}
        problem={endAll.problem}
      >
        <p>{t('people.endTokensWhat', { count: tokens.data?.length ?? 0 })}</p>
      </Confirm>
      <Confirm
        opened={ending !== undefined}
        onClose={() => ask(undefined)}
        title={t('tokens.deleteTitle')}
        verb={t('common.delete')}
        onConfirm={() => ending && end.run(ending.id)}
        pending={end.pending}
        problem={end.problem}
      >
        <p>
          <Trans i18nKey="tokens.deleteWhat" values={{ name: ending?.name }} components={{ b: <b /> }} />
        </p>
      </Confirm>
    </Section>
  );
}

function Row({ token, onEnd }: { token: Token; onEnd?: () => void }) {
  const { t } = useTranslation();
  const rightText = useRightText();
  return (
    <li>
      <IconTerminal2 size={20} stroke={1.6} aria-hidden />
      <div>
        <b>{token.name}</b>
        <p>
          {token.usedAt ? (
            <>
              {t('tokens.used')} <RelativeTime at={token.usedAt} />
            </>
          ) : (
            t('tokens.neverUsed')
          )}{' '}
          · {t('tokens.ends')} <RelativeTime at={token.expiresAt} />
        </p>
        <p>{token.scopes ? token.scopes.map(rightText).join(' · ') : t('people.tokenAll')}</p>
      </div>
      {onEnd && (
        <Button variant="default" size="xs" onClick={onEnd} aria-label={t('tokens.deleteOf', { name: token.name })}>
          {t('common.delete')}
        </Button>
      )}
    </li>
  );
}
