import { Button } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconKey, IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link, useRouteContext } from '@tanstack/react-router';
import { useState } from 'react';
import { Trans, useTranslation } from 'react-i18next';
import { may } from '../../api/rights.ts';
import { deleteServiceToken, type ServiceToken, serviceTokensQuery } from '../../api/service-tokens.ts';
import { useAction } from '../../ui/action.ts';
import { Chip } from '../../ui/chip.tsx';
import { Confirm } from '../../ui/confirm.tsx';
import { say } from '../../ui/notify.ts';
import { Page } from '../../ui/page.tsx';
import { useRightText } from '../../ui/right-text.ts';
import { Answer, Empty } from '../../ui/states.tsx';
import { DataTable } from '../../ui/table.tsx';
import { RelativeTime, useNow } from '../../ui/time.tsx';
import { NewServiceTokenDialog } from './dialog.tsx';
import classes from './tokens.module.css';

const soon = 14 * 86_400_000; // ms before its end, in which a token is marked

/** The tokens of programs. Nobody is behind them, so they do not end with anybody: this page is where they are looked after. */
export function ServiceTokensPage() {
  const { t } = useTranslation();
  const { session } = useRouteContext({ from: '/app' });
  const tokens = useQuery(serviceTokensQuery());
  const [making, make] = useDisclosure(false);
  const [ending, end] = useState<ServiceToken>();
  const writes = may(session, 'tokens.write');
  const button = writes && (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={make.open}>
      {t('serviceTokens.add')}
    </Button>
  );
  return (
    <Page title={t('serviceTokens.title')} lead={t('serviceTokens.lead')} actions={button}>
      <Answer query={tokens}>
        {({ items, offers }) => (
          <>
            {items.length === 0 ? (
              <Empty icon={<IconKey size={26} stroke={1.6} />} title={t('serviceTokens.empty')}>
                {t('serviceTokens.emptyLead')}
              </Empty>
            ) : (
              <Tokens tokens={items} onEnd={writes ? end : undefined} />
            )}
            <NewServiceTokenDialog opened={making} onClose={make.close} offers={offers} />
          </>
        )}
      </Answer>
      <EndToken token={ending} onClose={() => end(undefined)} />
    </Page>
  );
}

function Tokens({ tokens, onEnd }: { tokens: ServiceToken[]; onEnd?: (token: ServiceToken) => void }) {
  const { t } = useTranslation();
  const rightText = useRightText();
  const now = useNow().getTime();
  return (
    <DataTable
      id="service-tokens"
      label={t('serviceTokens.title')}
      rows={tokens}
      rowKey={(token) => token.id}
      columns={[
        {
          key: 'name',
          title: t('serviceTokens.name'),
          main: true,
          cell: (x) => <b className={classes.name}>{x.name}</b>,
        },
        { key: 'role', title: t('people.role'), cell: (x) => t(`role.${x.role}`) },
        {
          key: 'scopes',
          title: t('serviceTokens.scopes'),
          wrap: true,
          cell: (x) => <span className={classes.scopes}>{x.scopes.map(rightText).join(' · ')}</span>,
        },
        {
          key: 'used',
          title: t('serviceTokens.used'),
          cell: (x) => (x.usedAt ? <RelativeTime at={x.usedAt} /> : t('common.never')),
        },
        {
          key: 'ends',
          title: t('serviceTokens.ends'),
          cell: (x) =>
            new Date(x.expiresAt).getTime() - now < soon ? (
              <Chip tone="warn">
                <RelativeTime at={x.expiresAt} />
              </Chip>
            ) : (
              <RelativeTime at={x.expiresAt} />
            ),
        },
        {
          key: 'by',
          title: t('serviceTokens.madeBy'),
          optional: true,
          wrap: true,
          cell: (x) =>
            x.madeBy.name ? (
              <Link to="/admin/people/$id" params={{ id: x.madeBy.id }}>
                {x.madeBy.name}
              </Link>
            ) : (
              t('serviceTokens.gone')
            ),
        },
      ]}
      actions={
        onEnd &&
        ((token) => (
          <Button
            variant="default"
            size="xs"
            aria-label={t('serviceTokens.endOf', { name: token.name })}
            onClick={() => onEnd(token)}
          >
            {t('serviceTokens.end')}
          </Button>
        ))
      }
    />
  );
}

function EndToken({ token, onClose }: { token: ServiceToken | undefined; onClose: () => void }) {
  const { t } = useTranslation();
  const end = useAction((id: string) => deleteServiceToken(id), {
    refresh: [['service-tokens'], ['audit']],
    done: () => {
      onClose();
      say(t('serviceTokens.ended', { name: token?.name }));
    },
  });
  const close = () => {
    onClose();
    end.reset();
  };
  return (
    <Confirm
      opened={token !== undefined}
      onClose={close}
      title={t('serviceTokens.endTitle', { name: token?.name })}
      verb={t('serviceTokens.end')}
      onConfirm={() => token && end.run(token.id)}
      pending={end.pending}
      problem={end.problem}
    >
      <p>
        <Trans i18nKey="serviceTokens.endWhat" values={{ name: token?.name }} components={{ b: <b /> }} />
      </p>
      {token?.usedAt && (
        <p>
          {t('serviceTokens.lastUsed')} <RelativeTime at={token.usedAt} />
        </p>
      )}
    </Confirm>
  );
}
