import { ActionIcon, Menu } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconDots, IconFileAlert, IconFileDownload, IconKey, IconPencil, IconTrash } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { Device } from '../../api/devices.ts';
import { CopyText } from '../../ui/copy.tsx';
import { DeviceStatusChip } from '../../ui/device-status.tsx';
import { formatBytes } from '../../ui/format.ts';
import { HoldNote } from '../../ui/hold-note.tsx';
import { OutdatedReasons } from '../../ui/outdated.tsx';
import { PlatformIcon } from '../../ui/platform-icon.tsx';
import { PostureButton } from '../../ui/posture-button.tsx';
import { RelativeTime } from '../../ui/time.tsx';
import { RenameDialog, RevokeDialog } from './device-dialogs.tsx';
import classes from './home.module.css';
import { Sparkline } from './sparkline.tsx';

export function DeviceCard({ device }: { device: Device }) {
  const { t, i18n } = useTranslation();
  const size = (bytes: number) => formatBytes(bytes, i18n.language);
  const { live } = device;
  return (
    <article className={classes.card} aria-label={device.name}>
      <header className={classes.cardHead}>
        <span className={classes.platform} title={t(`platform.${device.platform}`)}>
          <PlatformIcon platform={device.platform} size={22} />
        </span>
        <div className={classes.cardName}>
          <h3>{device.name}</h3>
          <p>
            {device.profile.name} · {t(`mode.${device.profile.mode}`)}
            {device.certificate && ` · ${t('openvpn.name.openvpn')}`}
          </p>
        </div>
        <DeviceMenu device={device} />
      </header>
      <DeviceStatusChip status={device.status} />
      <HoldNote grant={device.grant} className={classes.newFile} />
      <PostureButton device={device} />
      {device.outdated.length > 0 && <NewFileNote device={device} />}
      {device.certificate && <CertificateNote device={device} notAfter={device.certificate.notAfter} />}
      <dl className={classes.facts}>
        <Fact name={t('device.addresses')}>
          <CopyText value={device.ipv4} label="IPv4" />
          <CopyText value={device.ipv6} label="IPv6" />
        </Fact>
        <Fact name={t('device.handshake')}>{live ? <RelativeTime at={live.handshakeAt} /> : t('device.never')}</Fact>
        <Fact name={t('device.traffic')}>
          {live ? (
            <span className={classes.traffic}>
              <span title={t('device.down')}>↓ {size(live.tx)}</span>
              <span title={t('device.up')}>↑ {size(live.rx)}</span>
              <Sparkline id={device.id} at={live.at} total={live.rx + live.tx} />
            </span>
          ) : (
            '–'
          )}
        </Fact>
        {device.certificate && (
          <Fact name={t('openvpn.certificateEnds')}>
            <RelativeTime at={device.certificate.notAfter} />
          </Fact>
        )}
        <Fact name={device.status === 'expired' ? t('device.ended') : t('device.ends')}>
          <RelativeTime at={device.grant.notAfter} />
        </Fact>
      </dl>
    </article>
  );
}

/** The client has to be told of a change: why, and the way to the new file. */
function NewFileNote({ device }: { device: Device }) {
  const { t } = useTranslation();
  return (
    <p className={classes.newFile}>
      <IconFileAlert size={16} aria-hidden />
      <span>
        {t('outdated.lead')} <OutdatedReasons reasons={device.outdated} />.{' '}
        <Link to="/devices/$id/file" params={{ id: device.id } as never}>
          {t('outdated.get')}
        </Link>
      </span>
    </p>
  );
}

/** A certificate does not renew itself: its person is told in time. */
function CertificateNote({ device, notAfter }: { device: Device; notAfter: string }) {
  const { t } = useTranslation();
  const left = Date.parse(notAfter) - Date.now();
  if (left > renewWithin) return null;
  return (
    <p className={classes.newFile}>
      <IconFileAlert size={16} aria-hidden />
      <span>
        {t(left > 0 ? 'openvpn.endsSoon' : 'openvpn.ended')}{' '}
        <Link to="/devices/$id/file" params={{ id: device.id } as never}>
          {t('openvpn.renew')}
        </Link>
      </span>
    </p>
  );
}

const renewWithin = 14 * 24 * 60 * 60 * 1000; // ms before the end of a certificate

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function DeviceMenu({ device }: { device: Device }) {
  const { t } = useTranslation();
  const [renaming, rename] = useDisclosure(false);
  const [revoking, revoke] = useDisclosure(false);
  return (
    <>
      <Menu position="bottom-end" width={240} shadow="md">
        <Menu.Target>
          <ActionIcon
            variant="subtle"
            color="gray"
            size="lg"
            aria-label={t('device.actionsFor', { name: device.name })}
          >
            <IconDots size={18} aria-hidden />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item leftSection={<IconPencil size={16} aria-hidden />} onClick={rename.open}>
            {t('device.rename')}
          </Menu.Item>
          <Menu.Item
            leftSection={<IconFileDownload size={16} aria-hidden />}
            component={Link}
            to="/devices/$id/file"
            params={{ id: device.id } as never}
          >
            {t('device.fileAgain')}
          </Menu.Item>
          <Menu.Item
            leftSection={<IconKey size={16} aria-hidden />}
            component={Link}
            to="/devices/$id/file"
            params={{ id: device.id } as never}
          >
            {t(device.certificate ? 'openvpn.renew' : 'device.newKey')}
          </Menu.Item>
          <Menu.Divider />
          <Menu.Item color="red" leftSection={<IconTrash size={16} aria-hidden />} onClick={revoke.open}>
            {t('device.revoke')}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <RenameDialog device={device} opened={renaming} onClose={rename.close} />
      <RevokeDialog device={device} opened={revoking} onClose={revoke.close} />
    </>
  );
}
