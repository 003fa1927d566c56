import { Button } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { WireGuardConfig } from '../../api/devices.ts';
import { Command } from '../../ui/copy.tsx';
import { download } from '../../ui/download.ts';
import { buildConf, serverCommand, serverScript, tunnelName } from '../../wireguard/conf.ts';
import classes from './file.module.css';

type Props = { config: WireGuardConfig; privateKey: string; deviceId: string; onSaved: () => void };

/** A server: one command to paste, or one that makes the key there. */
export function CommandDelivery({ config, privateKey, deviceId, onSaved }: Props) {
  const { t } = useTranslation();
  const conf = useMemo(() => buildConf(config, privateKey), [config, privateKey]);
  const name = tunnelName(config.fileName);
  return (
    <div className={classes.desk}>
      <h2>{t('file.server.title')}</h2>
      <p className={classes.note}>{t('file.server.lead')}</p>
      <Command text={serverCommand(name, conf)} onCopy={onSaved} />
      <div>
        <Button
          variant="default"
          leftSection={<IconDownload size={16} aria-hidden />}
          onClick={() => {
            download(`${name}.conf`, conf);
            onSaved();
          }}
        >
          {t('file.download', { file: `${name}.conf` })}
        </Button>
      </div>
      <details className={classes.other}>
        <summary>{t('file.server.ownKey')}</summary>
        <p className={classes.note}>{t('file.server.ownKeyLead')}</p>
        <Command text={serverScript(location.origin, deviceId, name)} onCopy={onSaved} />
      </details>
    </div>
  );
}
