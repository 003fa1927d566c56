import { Button } from '@mantine/core';
import { IconClockExclamation, IconHourglass, IconLock, IconPlugConnected, IconShieldCheck } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { Trans, useTranslation } from 'react-i18next';
import { type Device, myDevicesQuery, renewGrants } from '../../api/devices.ts';
import { useAction } from '../../ui/action.ts';
import { formatBytes } from '../../ui/format.ts';
import { say } from '../../ui/notify.ts';
import { ProblemNote } from '../../ui/problem-note.tsx';
import { RelativeTime } from '../../ui/time.tsx';
import classes from './home.module.css';
import { firstEnd, type HomeStatus, homeStatus } from './status.ts';

const icons = {
  connected: IconPlugConnected,
  ready: IconShieldCheck,
  expired: IconClockExclamation,
  pending: IconHourglass,
  blocked: IconLock,
};

/** The first thing that a person sees: whether it works, and if not, what to do. */
export function BigStatus({ devices }: { devices: Device[] }) {
  const { t } = useTranslation();
  const status = homeStatus(devices);
  const renew = useAction(renewGrants, {
    refresh: [myDevicesQuery().queryKey],
    done: (r) => say(t('home.renewed', { count: r.devices })),
  });
  if (status.kind === 'none') return null;
  const Icon = icons[status.kind];
  const end = firstEnd(devices);

  return (
    <section className={classes.status} data-kind={status.kind} aria-labelledby="home-status">
      <div className={classes.statusIcon}>
        <Icon size={30} stroke={1.7} aria-hidden />
      </div>
      <div className={classes.statusWords}>
        <h2 id="home-status" aria-live="polite">
          {t(`home.status.${status.kind}.title`)}
        </h2>
        <div className={classes.statusLead}>
          <Lead status={status} />
        </div>
        <ProblemNote problem={renew.problem} onRetry={() => renew.run()} />
      </div>
      <div className={classes.statusSide}>
        {status.kind !== 'blocked' && status.kind !== 'pending' && (
          <Button
            variant={status.kind === 'expired' ? 'filled' : 'default'}
            size={status.kind === 'expired' ? 'md' : 'sm'}
            loading={renew.pending}
            onClick={() => renew.run()}
          >
            {t('home.renew')}
          </Button>
        )}
        {end && (
          <p>
            {t('home.sessionEnds')} <RelativeTime at={end} />
          </p>
        )}
      </div>
    </section>
  );
}

function Lead({ status }: { status: HomeStatus }): ReactNode {
  const { t, i18n } = useTranslation();
  switch (status.kind) {
    case 'connected':
      return status.devices.map((d) => (
        <p key={d.id}>
          {d.live && (
            <Trans
              i18nKey="home.status.connected.via"
              values={{ device: d.name, gateway: [d.live.gateway, d.live.pop].filter(Boolean).join(', ') }}
              components={{ b: <b /> }}
            />
          )}{' '}
          {d.live && (
            <span className={classes.amount}>
              ↓ {formatBytes(d.live.tx, i18n.language)} ↑ {formatBytes(d.live.rx, i18n.language)}
            </span>
          )}
        </p>
      ));
    case 'none':
      return null;
    default:
      return <p>{t(`home.status.${status.kind}.lead`)}</p>;
  }
}
