import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { type Device, deviceConfigQuery, noteDeviceFile, type WireGuardConfig } from '../../api/devices.ts';
import { useAction } from '../../ui/action.ts';
import { Command } from '../../ui/copy.tsx';
import { say } from '../../ui/notify.ts';
import { ProblemNote } from '../../ui/problem-note.tsx';
import { Answer } from '../../ui/states.tsx';
import { changedLines } from '../../wireguard/conf.ts';
import classes from './file.module.css';

/** For who keeps the key: the lines of the file that have changed, to put into the tunnel that is there. */
export function KeepKey({ device }: { device: Device }) {
  const { t } = useTranslation();
  const config = useQuery(deviceConfigQuery(device.id));
  return (
    <details className={classes.other}>
      <summary>{t('outdated.keepKey')}</summary>
      <Answer query={config}>{(c) => <Lines device={device} config={c} />}</Answer>
    </details>
  );
}

function Lines({ device, config }: { device: Device; config: WireGuardConfig }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const note = useAction(() => noteDeviceFile(device.id, config.version ?? ''), {
    refresh: [['devices']],
    done: () => {
      say(t('outdated.noted', { name: device.name }));
      return navigate({ to: '/' });
    },
  });
  if (!config.publicKey) return <p>{t('outdated.noGateway')}</p>;
  const { lines, removed } = changedLines(config, device.outdated);
  return (
    <div className={classes.desk}>
      <p className={classes.note}>{t('outdated.lines')}</p>
      {lines.length > 0 && <Command text={lines.join('\n')} label={t('outdated.copy')} />}
      {removed.length > 0 && <p>{t('outdated.without', { lines: removed.join(', ') })}</p>}
      <ProblemNote problem={note.problem} />
      <div>
        <Button variant="default" loading={note.pending} onClick={() => note.run()}>
          {t('outdated.done')}
        </Button>
      </div>
    </div>
  );
}
