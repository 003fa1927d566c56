import { Button } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Platform, WireGuardConfig } from '../../api/devices.ts';
import { download } from '../../ui/download.ts';
import { QrImage } from '../../ui/qr.tsx';
import { buildConf, buildQrConf, tunnelName, withShortRoutes } from '../../wireguard/conf.ts';
import { qrCode } from '../../wireguard/qr.ts';
import classes from './file.module.css';
import { PhonePicture } from './pictures.tsx';

type Props = { config: WireGuardConfig; privateKey: string; platform: Platform; onSaved: () => void };

/** A phone: a QR code beside the three things to tap. */
export function ScanDelivery({ config, privateKey, platform, onSaved }: Props) {
  const { t } = useTranslation();
  const [short, setShort] = useState(false);
  const exact = useMemo(() => qrCode(buildQrConf(config, privateKey)), [config, privateKey]);
  const shortConfig = withShortRoutes(config);
  const shorter = useMemo(
    () => (shortConfig ? qrCode(buildQrConf(shortConfig, privateKey)) : undefined),
    [shortConfig, privateKey],
  );
  const code = exact ?? (short ? shorter : undefined);
  const name = tunnelName(config.fileName);
  const phone = platform === 'ios' ? 'ios' : 'android';
  const chosen = short && shortConfig ? shortConfig : config;

  return (
    <div className={classes.scan}>
      <div>
        {code ? (
          <QrImage code={code} label={t('file.scan.qrLabel')} />
        ) : (
          <div className={classes.dense} role="note">
            <b>{t('file.scan.denseTitle')}</b>
            <p>{shorter ? t('file.scan.denseLead') : t('file.scan.denseLeadFile')}</p>
            {shorter && <Button onClick={() => setShort(true)}>{t('file.scan.useShort')}</Button>}
          </div>
        )}
        {short && code && <p className={classes.note}>{t('file.scan.shortNote')}</p>}
      </div>
      <div>
        <h2>{t('file.scan.title')}</h2>
        <PhonePicture platform={phone} />
        <ol className={classes.steps}>
          {t(`file.scan.steps.${phone}`, { returnObjects: true }).map((step) => (
            <li key={step}>{step}</li>
          ))}
        </ol>
        <p className={classes.note}>{t('file.scan.onPhone')}</p>
        <Button
          variant="default"
          leftSection={<IconDownload size={16} aria-hidden />}
          onClick={() => {
            download(`${name}.conf`, buildConf(chosen, privateKey));
            onSaved();
          }}
        >
          {t('file.download', { file: `${name}.conf` })}
        </Button>
      </div>
    </div>
  );
}
