import { IconCircleCheckFilled, IconLoader2 } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Device } from '../../api/devices.ts';
import classes from './file.module.css';

/** Waits in sight, and turns green by itself on the first handshake. */
export function Waiting({ device, connected }: { device: Device; connected: boolean }) {
  const { t } = useTranslation();
  const pending = device.state === 'pending';
  const gateway = [device.live?.gateway, device.live?.pop].filter(Boolean).join(', ');
  return (
    <div role="status" className={classes.waiting} data-connected={connected} data-testid="first-handshake">
      {connected ? (
        <IconCircleCheckFilled size={26} aria-hidden />
      ) : (
        <IconLoader2 size={24} aria-hidden className={classes.spin} />
      )}
      <div>
        <b>{connected ? t('file.connected') : pending ? t('file.pending') : t('file.waiting')}</b>
        <span>
          {connected
            ? t('file.connectedLead', { name: device.name, gateway })
            : t(pending ? 'file.pendingLead' : 'file.waitingLead')}
        </span>
      </div>
    </div>
  );
}
