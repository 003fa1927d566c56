import { Button, Menu, NativeSelect } from '@mantine/core';
import { IconCheck, IconDevices, IconLock, IconLockOpen, IconShieldHalf, IconTrash, IconX } from '@tabler/icons-react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { Link, useNavigate, useRouteContext, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { allDevicesQuery, type Device, setDeviceLevel } from '../../api/devices.ts';
import { may } from '../../api/rights.ts';
import type { Column } from '../../ui/columns.ts';
import { CopyText } from '../../ui/copy.tsx';
import { DeviceStatusChip } from '../../ui/device-status.tsx';
import { formatBytes } from '../../ui/format.ts';
import { HoldNote } from '../../ui/hold-note.tsx';
import { LevelDialog } from '../../ui/level-dialog.tsx';
import { OutdatedReasons } from '../../ui/outdated.tsx';
import { Page } from '../../ui/page.tsx';
import { PlatformIcon } from '../../ui/platform-icon.tsx';
import { RowMenu } from '../../ui/row-menu.tsx';
import { SearchField } from '../../ui/search-field.tsx';
import { Answer, Empty, Loading, More } from '../../ui/states.tsx';
import { DataTable } from '../../ui/table.tsx';
import { RelativeTime } from '../../ui/time.tsx';
import { type Deed, DeedDialog, fits } from './deed-dialog.tsx';
import classes from './devices.module.css';

const statuses: Device['status'][] = ['connected', 'ready', 'expired', 'held', 'pending', 'suspended'];
const asked = (status?: string) => (status === 'pending' || status === 'outdated' ? status : undefined);

export function DevicesPage() {
  const { t } = useTranslation();
  const { q, sort, status } = useSearch({ from: '/app/admin/devices' });
  const { session } = useRouteContext({ from: '/app' });
  const navigate = useNavigate({ from: '/admin/devices' });
  const devices = useInfiniteQuery({ ...allDevicesQuery(q ?? '', asked(status)), placeholderData: (old) => old });
  const [selected, setSelected] = useState(new Set<string>());
  const [deed, setDeed] = useState<{ deed: Deed; devices: Device[] }>();
  const [holding, setHolding] = useState<Device>();
  const writes = may(session, 'devices.write');
  const columns = useColumns(writes ? (next, d) => setDeed({ deed: next, devices: [d] }) : undefined);
  const change = (part: { q?: string; sort?: string; status?: string }) =>
    void navigate({ search: (old) => ({ ...old, ...part }), replace: true });

  return (
    <Page title={t('devices.title')} lead={t('devices.lead')}>
      <Answer query={devices} loading={<Loading rows={6} />}>
        {(data) => {
          const loaded = data.pages.flatMap((p) => p.items);
          const rows = status && status !== 'outdated' ? loaded.filter((d) => d.status === status) : loaded;
          const chosen = rows.filter((d) => selected.has(d.id));
          return (
            <>
              <DataTable
                id="devices"
                label={t('devices.title')}
                rows={rows}
                rowKey={(d) => d.id}
                columns={columns}
                sort={sort}
                onSort={(next) => change({ sort: next })}
                selection={writes ? { selected, onChange: setSelected, labelOf: (d) => d.name } : undefined}
                actions={
                  writes
                    ? (d) => (
                        <DeviceMenu
                          device={d}
                          onDeed={(next) => setDeed({ deed: next, devices: [d] })}
                          onHold={() => setHolding(d)}
                        />
                      )
                    : undefined
                }
                toolbar={
                  <>
                    <SearchField label={t('devices.search')} value={q} onChange={(next) => change({ q: next })} />
                    <NativeSelect
                      aria-label={t('devices.status')}
                      value={status ?? ''}
                      onChange={(e) => change({ status: e.currentTarget.value || undefined })}
                      data={[
                        { value: '', label: t('devices.anyStatus') },
                        ...statuses.map((s) => ({ value: s, label: t(`deviceStatus.${s}`) })),
                        { value: 'outdated', label: t('devices.outdated') },
                      ]}
                    />
                    {chosen.length > 0 && (
                      <Bulk
                        chosen={chosen}
                        onDeed={(next) => setDeed({ deed: next, devices: chosen.filter((d) => fits(next, d)) })}
                      />
                    )}
                  </>
                }
              />
              {rows.length === 0 && (
                <Empty
                  icon={<IconDevices size={26} stroke={1.6} />}
                  title={q || status ? t('devices.noMatch') : t('devices.empty')}
                >
                  {q || status ? t('devices.noMatchLead') : t('devices.emptyLead')}
                </Empty>
              )}
              <More query={devices} />
            </>
          );
        }}
      </Answer>
      {holding && (
        <LevelDialog
          name={holding.name}
          hold={holding.grant.holds?.find((h) => h.on === 'device' && h.source === 'hand')}
          save={(input) => setDeviceLevel(holding.id, input)}
          onClose={() => setHolding(undefined)}
        />
      )}
      {deed && (
        <DeedDialog
          deed={deed.deed}
          devices={deed.devices}
          onClose={() => setDeed(undefined)}
          onDone={() => setSelected(new Set())}
        />
      )}
    </Page>
  );
}

function Bulk({ chosen, onDeed }: { chosen: Device[]; onDeed: (deed: Deed) => void }) {
  const { t } = useTranslation();
  return (
    <div className={classes.bulk}>
      <span role="status">{t('devices.selected', { count: chosen.length })}</span>
      {(['approve', 'refuse', 'suspend', 'resume', 'revoke'] as const)
        .filter((deed) => chosen.some((d) => fits(deed, d)))
        .map((deed) => (
          <Button
            key={deed}
            size="xs"
            variant={deed === 'approve' || deed === 'revoke' ? 'filled' : 'default'}
            color={deed === 'revoke' ? 'red' : undefined}
            onClick={() => onDeed(deed)}
          >
            {deed === 'revoke' ? t('device.revoke') : t(`devices.${deed}`)}
          </Button>
        ))}
    </div>
  );
}

type MenuProps = { device: Device; onDeed: (deed: Deed) => void; onHold: () => void };

function DeviceMenu({ device, onDeed, onHold }: MenuProps) {
  const { t } = useTranslation();
  if (device.state === 'pending') {
    return (
      <RowMenu name={device.name}>
        <Menu.Item leftSection={<IconCheck size={16} aria-hidden />} onClick={() => onDeed('approve')}>
          {t('devices.approve')}
        </Menu.Item>
        <Menu.Item leftSection={<IconX size={16} aria-hidden />} onClick={() => onDeed('refuse')}>
          {t('devices.refuse')}
        </Menu.Item>
      </RowMenu>
    );
  }
  return (
    <RowMenu name={device.name}>
      {device.state === 'active' ? (
        <Menu.Item leftSection={<IconLock size={16} aria-hidden />} onClick={() => onDeed('suspend')}>
          {t('devices.suspend')}
        </Menu.Item>
      ) : (
        <Menu.Item leftSection={<IconLockOpen size={16} aria-hidden />} onClick={() => onDeed('resume')}>
          {t('devices.resume')}
        </Menu.Item>
      )}
      <Menu.Item leftSection={<IconShieldHalf size={16} aria-hidden />} onClick={onHold}>
        {t('level.change')}
      </Menu.Item>
      <Menu.Divider />
      <Menu.Item color="red" leftSection={<IconTrash size={16} aria-hidden />} onClick={() => onDeed('revoke')}>
        {t('device.revoke')}
      </Menu.Item>
    </RowMenu>
  );
}

function useColumns(onDeed?: (deed: Deed, device: Device) => void): Column<Device>[] {
  const { t, i18n } = useTranslation();
  const { session } = useRouteContext({ from: '/app' });
  return [
    {
      key: 'name',
      title: t('device.name'),
      main: true,
      sort: (d) => d.name,
      cell: (d) => (
        <span className={classes.name} title={t(`platform.${d.platform}`)}>
          <PlatformIcon platform={d.platform} size={18} />
          <b>{d.name}</b>
        </span>
      ),
    },
    {
      key: 'owner',
      title: t('devices.owner'),
      sort: (d) => d.owner.name || d.owner.email,
      cell: (d) => {
        const name = d.owner.name || d.owner.email;
        if (!may(session, 'people.read')) return name;
        return (
          <Link to="/admin/people/$id" params={{ id: d.owner.id }}>
            {name}
          </Link>
        );
      },
    },
    {
      key: 'status',
      title: t('devices.status'),
      sort: (d) => d.status,
      cell: (d) => (
        <span className={classes.status}>
          <DeviceStatusChip status={d.status} />
          {onDeed && d.state === 'pending' && (
            <span className={classes.judge}>
              {(['approve', 'refuse'] as const).map((next) => (
                <button
                  key={next}
                  type="button"
                  aria-label={t(`devices.${next}Named`, { name: d.name })}
                  onClick={() => onDeed(next, d)}
                >
                  {t(`devices.${next}`)}
                </button>
              ))}
            </span>
          )}
          <HoldNote grant={d.grant} className={classes.outdated} />
          {d.outdated.length > 0 && (
            <span className={classes.outdated}>
              {t('devices.outdated')}: <OutdatedReasons reasons={d.outdated} />
            </span>
          )}
        </span>
      ),
    },
    {
      key: 'profile',
      title: t('devices.profile'),
      optional: true,
      sort: (d) => d.profile.name,
      cell: (d) => d.profile.name,
    },
    {
      key: 'address',
      title: t('devices.address'),
      optional: true,
      cell: (d) => <CopyText value={d.ipv4} label="IPv4" />,
    },
    {
      key: 'gateway',
      title: t('devices.gateway'),
      optional: true,
      hidden: true,
      sort: (d) => d.live?.gateway ?? '',
      cell: (d) => d.live?.gateway ?? '–',
    },
    {
      key: 'seen',
      title: t('device.handshake'),
      sort: (d) => d.live?.handshakeAt ?? '',
      cell: (d) => (d.live ? <RelativeTime at={d.live.handshakeAt} /> : t('device.never')),
    },
    {
      key: 'traffic',
      title: t('device.traffic'),
      optional: true,
      hidden: true,
      numeric: true,
      sort: (d) => (d.live ? d.live.rx + d.live.tx : 0),
      cell: (d) => (d.live ? formatBytes(d.live.rx + d.live.tx, i18n.language) : '–'),
    },
    {
      key: 'ends',
      title: t('device.ends'),
      optional: true,
      hidden: true,
      sort: (d) => d.grant.notAfter,
      cell: (d) => <RelativeTime at={d.grant.notAfter} />,
    },
  ];
}
