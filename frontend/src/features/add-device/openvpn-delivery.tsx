import { Button } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { Platform } from '../../api/devices.ts';
import { buildOvpn, type OpenVPNFile } from '../../openvpn/file.ts';
import { Command, CopyButton } from '../../ui/copy.tsx';
import { download } from '../../ui/download.ts';
import classes from './file.module.css';

type Props = { file: OpenVPNFile; privateKey: string; platform: Platform; onSaved: () => void };
type Way = 'windows' | 'macos' | 'linux' | 'ios' | 'android' | 'server' | 'other';

/** One file for every platform: put together here, since only this page has the key. */
export function OpenVPNDelivery({ file, privateKey, platform, onSaved }: Props) {
  const { t } = useTranslation();
  const text = useMemo(() => buildOvpn(file, privateKey), [file, privateKey]);
  const name = file.fileName;
  const way: Way = platform;
  if (!file.text) return <p role="alert">{t('openvpn.notServed')}</p>;
  return (
    <div className={classes.desk}>
      <div className={classes.deskButtons}>
        <Button
          size="md"
          leftSection={<IconDownload size={18} aria-hidden />}
          onClick={() => {
            download(`${name}.ovpn`, text);
            onSaved();
          }}
        >
          {t('file.download', { file: `${name}.ovpn` })}
        </Button>
        <CopyButton value={text} onCopy={onSaved} size="md">
          {t('file.copyText')}
        </CopyButton>
      </div>
      <h2>{t('openvpn.import')}</h2>
      {way === 'linux' && <LinuxCommands name={name} />}
      {way === 'server' && <ServerCommands name={name} />}
      {way !== 'linux' && way !== 'server' && (
        <ol className={classes.steps}>
          {t(`openvpn.steps.${way}`, { returnObjects: true, name }).map((step) => (
            <li key={step}>{step}</li>
          ))}
        </ol>
      )}
      <p className={classes.note}>{t('openvpn.both')}</p>
    </div>
  );
}

/** A file's name has no character that a shell would read. */
function LinuxCommands({ name }: { name: string }) {
  const { t } = useTranslation();
  return (
    <>
      <p className={classes.note}>{t('file.desk.linux.networkManager')}</p>
      <Command text={`nmcli connection import type openvpn file ${name}.ovpn`} />
      <p className={classes.note}>{t('openvpn.byHand')}</p>
      <Command text={`sudo openvpn --config ${name}.ovpn`} />
    </>
  );
}

function ServerCommands({ name }: { name: string }) {
  const { t } = useTranslation();
  return (
    <>
      <p className={classes.note}>{t('openvpn.server')}</p>
      <Command
        text={`sudo install -m 600 ${name}.ovpn /etc/openvpn/client/${name}.conf\nsudo systemctl enable --now openvpn-client@${name}`}
      />
    </>
  );
}
