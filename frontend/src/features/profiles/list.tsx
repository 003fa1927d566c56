import { Button } from '@mantine/core';
import { IconPlus, IconRoute } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link, useRouteContext } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { groupsQuery } from '../../api/policy.ts';
import { type Profile, profilesQuery, sessionOf } from '../../api/profiles.ts';
import { may } from '../../api/rights.ts';
import type { Column } from '../../ui/columns.ts';
import { formatDuration } from '../../ui/format.ts';
import { Page } from '../../ui/page.tsx';
import { Answer, Empty } from '../../ui/states.tsx';
import { DataTable } from '../../ui/table.tsx';
import classes from './profiles.module.css';

export function ProfilesPage() {
  const { t } = useTranslation();
  const profiles = useQuery(profilesQuery('all'));
  const columns = useColumns();
  const { session } = useRouteContext({ from: '/app' });
  const add = may(session, 'profiles.write') && (
    <Button component={Link} to={'/admin/profiles/new' as '/'} leftSection={<IconPlus size={16} aria-hidden />}>
      {t('profiles.add')}
    </Button>
  );
  return (
    <Page title={t('profiles.title')} lead={t('profiles.lead')} actions={add}>
      <Answer query={profiles}>
        {(list) =>
          list.length === 0 ? (
            <Empty icon={<IconRoute size={26} stroke={1.6} />} title={t('profiles.empty')} action={add}>
              {t('profiles.emptyLead')}
            </Empty>
          ) : (
            <DataTable id="profiles" label={t('profiles.title')} rows={list} rowKey={(p) => p.id} columns={columns} />
          )
        }
      </Answer>
    </Page>
  );
}

function useColumns(): Column<Profile>[] {
  const { t, i18n } = useTranslation();
  const groups = useQuery(groupsQuery());
  const groupName = (id: string) => groups.data?.find((g) => g.id === id)?.name ?? id;
  return [
    {
      key: 'name',
      title: t('profiles.name'),
      main: true,
      cell: (p) => (
        <Link to="/admin/profiles/$id" params={{ id: p.id }} className={classes.name}>
          <b>{p.name}</b>
          {p.description && <span>{p.description}</span>}
        </Link>
      ),
    },
    { key: 'mode', title: t('profiles.mode'), cell: (p) => t(`mode.${p.mode}`) },
    { key: 'routes', title: t('profiles.routes'), numeric: true, cell: (p) => p.routeCount ?? p.routes.length },
    {
      key: 'devices',
      title: t('profiles.devices'),
      numeric: true,
      cell: (p) => (
        <span className={classes.uses}>
          {p.devices ?? 0}
          {!!p.outdated && (
            <Link to="/admin/devices" search={{ status: 'outdated' }}>
              {t('profiles.outdated', { count: p.outdated })}
            </Link>
          )}
        </span>
      ),
    },
    {
      key: 'session',
      title: t('profiles.session'),
      cell: (p) => formatDuration(sessionOf(p), i18n.language),
    },
    {
      key: 'groups',
      title: t('profiles.groups'),
      wrap: true,
      cell: (p) => (p.groups.length === 0 ? t('profiles.everyone') : p.groups.map(groupName).join(', ')),
    },
    {
      key: 'regions',
      title: t('profiles.regions'),
      cell: (p) => p.regions.map((r) => r.name).join(', ') || '–',
    },
  ];
}
