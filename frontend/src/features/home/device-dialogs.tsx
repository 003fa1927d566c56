import { Button, TextInput } from '@mantine/core';
import { type FormEvent, useEffect, useState } from 'react';
import { Trans, useTranslation } from 'react-i18next';
import { type Device, myDevicesQuery, renameDevice, revokeDevice } from '../../api/devices.ts';
import { useAction } from '../../ui/action.ts';
import { Confirm } from '../../ui/confirm.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { say } from '../../ui/notify.ts';
import { ProblemNote } from '../../ui/problem-note.tsx';
import classes from './home.module.css';

type Props = { device: Device; opened: boolean; onClose: () => void };

const refresh = [['devices']];

export function RenameDialog({ device, opened, onClose }: Props) {
  const { t } = useTranslation();
  const [name, setName] = useState(device.name);
  const rename = useAction((next: string) => renameDevice(device.id, next), { refresh, done: onClose });
  useEffect(() => {
    if (opened) setName(device.name);
  }, [opened, device.name]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    rename.run(name.trim());
  };
  return (
    <Dialog opened={opened} onClose={onClose} title={t('device.renameTitle')}>
      <form onSubmit={submit} className={classes.dialog}>
        <TextInput
          label={t('device.name')}
          value={name}
          maxLength={64}
          onChange={(e) => setName(e.currentTarget.value)}
          error={rename.problem?.byField().name}
          data-autofocus
        />
        <ProblemNote problem={rename.problem} />
        <div className={classes.dialogRow}>
          <Button variant="default" onClick={onClose}>
            {t('common.cancel')}
          </Button>
          <Button type="submit" loading={rename.pending} disabled={!name.trim()}>
            {t('common.save')}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

export function RevokeDialog({ device, opened, onClose }: Props) {
  const { t } = useTranslation();
  const revoke = useAction(() => revokeDevice(device.id), {
    refresh: [myDevicesQuery().queryKey],
    done: () => {
      onClose();
      say(t('device.revoked', { name: device.name }));
    },
  });
  return (
    <Confirm
      opened={opened}
      onClose={onClose}
      title={t('device.revokeTitle')}
      verb={t('device.revoke')}
      onConfirm={() => revoke.run()}
      pending={revoke.pending}
      problem={revoke.problem}
    >
      <p>
        <Trans i18nKey="device.revokeWhat" values={{ name: device.name }} components={{ b: <b /> }} />
      </p>
      <p>{device.status === 'connected' ? t('device.revokeCuts') : t('device.revokeCutsNone')}</p>
    </Confirm>
  );
}
