import { useTranslation } from 'react-i18next';
import {
  approveDevice,
  type Device,
  refuseDevice,
  resumeDevice,
  revokeDevice,
  suspendDevice,
} from '../../api/devices.ts';
import { useAction } from '../../ui/action.ts';
import { Confirm } from '../../ui/confirm.tsx';
import classes from './devices.module.css';

export type Deed = 'approve' | 'refuse' | 'suspend' | 'resume' | 'revoke';

/** Whether a deed makes sense for a device as it is. */
export const fits = (deed: Deed, { state }: Device) =>
  ({
    approve: state === 'pending',
    refuse: state === 'pending',
    suspend: state === 'active',
    resume: state === 'suspended',
    revoke: state !== 'pending',
  })[deed];

type Props = { deed: Deed; devices: Device[]; onClose: () => void; onDone: () => void };

const deeds: Record<Deed, (id: string) => Promise<unknown>> = {
  approve: approveDevice,
  refuse: refuseDevice,
  suspend: suspendDevice,
  resume: resumeDevice,
  revoke: revokeDevice,
};

const named = 5; // devices that are listed by name before "and N more"

/** Suspends, resumes or revokes one or more devices, after saying which ones and how many tunnels that cuts. */
export function DeedDialog({ deed, devices, onClose, onDone }: Props) {
  const { t } = useTranslation();
  const cuts = devices.filter((d) => d.status === 'connected').length;
  const run = useAction(
    async () => {
      for (const d of devices) await deeds[deed](d.id);
    },
    {
      refresh: [['devices'], ['overview'], ['waiting'], ['people'], ['audit']],
      done: () => {
        onDone();
        onClose();
      },
    },
  );
  return (
    <Confirm
      opened
      onClose={onClose}
      title={t(`devices.${deed}Title`, { count: devices.length, name: devices[0]?.name })}
      verb={deed === 'revoke' ? t('device.revoke') : t(`devices.${deed}`)}
      harmless={deed === 'resume' || deed === 'approve'}
      onConfirm={() => run.run()}
      pending={run.pending}
      problem={run.problem}
    >
      <ul className={classes.names}>
        {devices.slice(0, named).map((d) => (
          <li key={d.id}>
            <b>{d.name}</b> · {d.owner.name || d.owner.email}
            {d.state === 'pending' && ` · ${d.profile.name}`}
          </li>
        ))}
        {devices.length > named && <li>{t('devices.andMore', { count: devices.length - named })}</li>}
      </ul>
      <p>{t(`devices.${deed}What`)}</p>
      {(deed === 'suspend' || deed === 'revoke') && <p>{t('devices.cuts', { count: cuts })}</p>}
    </Confirm>
  );
}
