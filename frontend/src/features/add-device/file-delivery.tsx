import { Button } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { Platform, WireGuardConfig } from '../../api/devices.ts';
import { Command, CopyButton } from '../../ui/copy.tsx';
import { download } from '../../ui/download.ts';
import { buildConf, tunnelName } from '../../wireguard/conf.ts';
import classes from './file.module.css';
import { AppPicture } from './pictures.tsx';

type Props = { config: WireGuardConfig; privateKey: string; platform: Platform; onSaved: () => void };
type Desktop = 'windows' | 'macos' | 'linux' | 'other';

/** A laptop: a file to download, and how to import it there. */
export function FileDelivery({ config, privateKey, platform, onSaved }: Props) {
  const { t } = useTranslation();
  const conf = useMemo(() => buildConf(config, privateKey), [config, privateKey]);
  const name = tunnelName(config.fileName);
  const desktop = asDesktop(platform);
  return (
    <div className={classes.desk}>
      <div className={classes.deskButtons}>
        <Button
          size="md"
          leftSection={<IconDownload size={18} aria-hidden />}
          onClick={() => {
            download(`${name}.conf`, conf);
            onSaved();
          }}
        >
          {t('file.download', { file: `${name}.conf` })}
        </Button>
        <CopyButton value={conf} onCopy={onSaved} size="md">
          {t('file.copyText')}
        </CopyButton>
      </div>
      <h2>{t(`file.desk.title.${desktop}`)}</h2>
      {desktop === 'linux' ? (
        <LinuxCommands name={name} />
      ) : (
        <div className={classes.withPicture}>
          <ol className={classes.steps}>
            {t(`file.desk.steps.${desktop}`, { returnObjects: true, name }).map((step) => (
              <li key={step}>{step}</li>
            ))}
          </ol>
          <AppPicture platform={desktop} file={`${name}.conf`} />
        </div>
      )}
      {desktop !== 'linux' && (
        <p className={classes.note}>
          {t('file.desk.noApp')}{' '}
          <a href="https://www.wireguard.com/install/" target="_blank" rel="noreferrer">
            {t('file.desk.install')}
          </a>
        </p>
      )}
    </div>
  );
}

/** Linux has no one app, so the commands are given; a tunnel name has no character that a shell would read. */
function LinuxCommands({ name }: { name: string }) {
  const { t } = useTranslation();
  return (
    <>
      <p className={classes.note}>{t('file.desk.linux.networkManager')}</p>
      <Command text={`nmcli connection import type wireguard file ${name}.conf`} />
      <p className={classes.note}>{t('file.desk.linux.wgQuick')}</p>
      <Command text={`sudo install -m 600 ${name}.conf /etc/wireguard/\nsudo wg-quick up ${name}`} />
    </>
  );
}

function asDesktop(platform: Platform): Desktop {
  return platform === 'windows' || platform === 'macos' || platform === 'linux' ? platform : 'other';
}
