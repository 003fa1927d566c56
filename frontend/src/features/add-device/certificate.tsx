import { useTranslation } from 'react-i18next';
import type { Device } from '../../api/devices.ts';
import { CopyText } from '../../ui/copy.tsx';
import { RelativeTime } from '../../ui/time.tsx';
import classes from './file.module.css';

/** What the device shows to gateways: which certificate it is, and how long it is good. */
export function CertificateFacts({ certificate }: { certificate: NonNullable<Device['certificate']> }) {
  const { t } = useTranslation();
  return (
    <dl className={classes.certificate}>
      <div>
        <dt>{t('openvpn.serial')}</dt>
        <dd>
          <CopyText value={certificate.serial} label={t('openvpn.serial')} />
        </dd>
      </div>
      <div>
        <dt>{t('openvpn.issued')}</dt>
        <dd>
          <RelativeTime at={certificate.notBefore} />
        </dd>
      </div>
      <div>
        <dt>{t('openvpn.ends')}</dt>
        <dd>
          <RelativeTime at={certificate.notAfter} />
        </dd>
      </div>
    </dl>
  );
}
