import { Button } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconUserCircle } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Identity } from '../api/identity-providers.ts';
import { useAction } from './action.ts';
import { Chip } from './chip.tsx';
import { Confirm } from './confirm.tsx';
import classes from './connected-accounts.module.css';
import { say } from './notify.ts';
import { Card } from './page.tsx';
import { RelativeTime } from './time.tsx';

type Props = {
  list: Identity[];
  unlink?: (id: string) => Promise<unknown>; // absent: only to look at
  what: string; // what disconnecting one means
  refresh: string[][];
};

/** A person's accounts at identity providers. The last one stays, and so does one that a directory keeps. */
export function ConnectedAccounts({ list, unlink, what, refresh }: Props) {
  const { t } = useTranslation();
  return (
    <Card flush>
      <ul className={classes.rows}>
        {list.length === 0 && <li>{t('accounts.none')}</li>}
        {list.map((one) => (
          <Row
            key={one.id}
            account={one}
            only={list.length === 1}
            unlink={one.kept || list.length === 1 ? undefined : unlink}
            what={what}
            refresh={refresh}
          />
        ))}
      </ul>
    </Card>
  );
}

type RowProps = Omit<Props, 'list'> & { account: Identity; only: boolean };

function Row({ account, only, unlink, what, refresh }: RowProps) {
  const { t } = useTranslation();
  const [asking, ask] = useDisclosure(false);
  const name = account.provider || t('accounts.gone');
  const remove = useAction(() => unlink?.(account.id) ?? Promise.resolve(), {
    refresh: [...refresh, ['sessions'], ['audit']],
    done: () => {
      ask.close();
      say(t('accounts.removed', { name }));
    },
  });
  return (
    <li>
      <IconUserCircle size={20} stroke={1.6} aria-hidden />
      <div>
        <b>{name}</b>
        <p>
          {account.issuer} · {t('accounts.subject')} <span className="mono">{account.subject}</span>
        </p>
        <p>
          {t('accounts.since')} <RelativeTime at={account.addedAt} />
          {account.kept && ` · ${t('accounts.kept')}`}
          {only && ` · ${t('accounts.onlyOne')}`}
        </p>
      </div>
      {account.current && <Chip tone="accent">{t('accounts.this')}</Chip>}
      {unlink && (
        <Button variant="default" size="xs" onClick={ask.open} aria-label={t('accounts.removeOf', { name })}>
          {t('accounts.remove')}
        </Button>
      )}
      <Confirm
        opened={asking}
        onClose={ask.close}
        title={t('accounts.removeTitle', { name })}
        verb={t('accounts.remove')}
        onConfirm={() => remove.run()}
        pending={remove.pending}
        problem={remove.problem}
      >
        <p>{what}</p>
      </Confirm>
    </li>
  );
}
