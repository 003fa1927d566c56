import { Button } from '@mantine/core';
import { IconAlertTriangle, IconCircleCheck, IconHourglass } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { ScimToken } from '../../api/directories.ts';
import { Chip } from '../../ui/chip.tsx';
import { Card } from '../../ui/page.tsx';
import { RelativeTime, useNow } from '../../ui/time.tsx';
import classes from './directories.module.css';

type Props = { token: ScimToken; onRotate?: () => void; onEnd?: () => void };

/** One directory's token: what came with it, when, and what was refused. */
export function TokenCard({ token, onRotate, onEnd }: Props) {
  const { t, i18n } = useTranslation();
  const number = (n: number) => new Intl.NumberFormat(i18n.language).format(n);
  const at = (time: string | undefined) => (time ? <RelativeTime at={time} /> : t('common.never'));
  return (
    <Card>
      <div className={classes.head}>
        <h3>{token.name}</h3>
        <State token={token} />
        {onRotate && onEnd && (
          <div className={classes.buttons}>
            <Button variant="default" size="xs" onClick={onRotate}>
              {t('directories.rotate')}
            </Button>
            <Button
              variant="default"
              size="xs"
              onClick={onEnd}
              aria-label={t('directories.revokeOf', { name: token.name })}
            >
              {t('directories.revoke')}
            </Button>
          </div>
        )}
      </div>
      <dl className={classes.facts}>
        <div className={classes.wide}>
          <dt>{t('directories.issuer')}</dt>
          <dd className="mono">{token.issuer}</dd>
        </div>
        <Fact name={t('directories.usedAt')}>{at(token.usedAt)}</Fact>
        <Fact name={t('directories.wroteAt')}>{at(token.wroteAt)}</Fact>
        <Fact name={t('directories.people')}>{number(token.people)}</Fact>
        <Fact name={t('directories.groups')}>{number(token.groups)}</Fact>
        <Fact name={t('directories.subject')}>
          <span className="mono">{token.subject}</span>
        </Fact>
        <Fact name={t('directories.ends')}>
          <RelativeTime at={token.expiresAt} />
        </Fact>
      </dl>
      {token.failedAt && (
        <p className={classes.failure}>
          <b>{t('directories.failed')}</b> <RelativeTime at={token.failedAt} />: <span lang="en">{token.failure}</span>
        </p>
      )}
    </Card>
  );
}

function Fact({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** Ended, never heard of, its last change refused, or well. */
function State({ token }: { token: ScimToken }) {
  const { t } = useTranslation();
  const now = useNow().getTime();
  if (new Date(token.expiresAt).getTime() <= now) return <Chip tone="bad">{t('directories.state.ended')}</Chip>;
  if (!token.usedAt) {
    return (
      <Chip tone="plain" icon={IconHourglass}>
        {t('directories.state.waiting')}
      </Chip>
    );
  }
  if (token.failedAt && token.failedAt > (token.wroteAt ?? '')) {
    return (
      <Chip tone="warn" icon={IconAlertTriangle}>
        {t('directories.state.failing')}
      </Chip>
    );
  }
  return (
    <Chip tone="good" icon={IconCircleCheck}>
      {t('directories.state.well')}
    </Chip>
  );
}
