import { IconUsers } from '@tabler/icons-react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { type Person, peopleQuery } from '../../api/people.ts';
import { Chip } from '../../ui/chip.tsx';
import type { Column } from '../../ui/columns.ts';
import { Page } from '../../ui/page.tsx';
import { SearchField } from '../../ui/search-field.tsx';
import { Answer, Empty, Loading, More } from '../../ui/states.tsx';
import { DataTable } from '../../ui/table.tsx';
import { RelativeTime } from '../../ui/time.tsx';
import classes from './people.module.css';
import { PersonStateChip } from './person-state.tsx';

export function PeoplePage() {
  const { t } = useTranslation();
  const { q, sort } = useSearch({ from: '/app/admin/people' });
  const navigate = useNavigate({ from: '/admin/people' });
  const people = useInfiniteQuery({ ...peopleQuery(q ?? ''), placeholderData: (old) => old });
  const columns = useColumns();
  const search = (
    <SearchField
      label={t('people.search')}
      value={q}
      onChange={(next) => void navigate({ search: (old) => ({ ...old, q: next }), replace: true })}
    />
  );
  return (
    <Page title={t('people.title')} lead={t('people.lead')}>
      <Answer query={people} loading={<Loading rows={6} />}>
        {(data) => {
          const rows = data.pages.flatMap((p) => p.items);
          return (
            <>
              <DataTable
                id="people"
                label={t('people.title')}
                rows={rows}
                rowKey={(p) => p.id}
                columns={columns}
                sort={sort}
                onSort={(next) => void navigate({ search: (old) => ({ ...old, sort: next }), replace: true })}
                toolbar={search}
              />
              {rows.length === 0 && (
                <Empty icon={<IconUsers size={26} stroke={1.6} />} title={q ? t('people.noMatch') : t('people.empty')}>
                  {q ? t('people.noMatchLead', { q }) : t('people.emptyLead')}
                </Empty>
              )}
              <More query={people} />
            </>
          );
        }}
      </Answer>
    </Page>
  );
}

function useColumns(): Column<Person>[] {
  const { t } = useTranslation();
  return [
    {
      key: 'name',
      title: t('people.name'),
      main: true,
      sort: (p) => p.name || p.email,
      cell: (p) => (
        <Link to="/admin/people/$id" params={{ id: p.id }} className={classes.name}>
          <b>{p.name || p.email}</b>
          <span>{p.email}</span>
        </Link>
      ),
    },
    { key: 'state', title: t('people.state'), sort: (p) => p.state, cell: (p) => <PersonStateChip state={p.state} /> },
    { key: 'role', title: t('people.role'), optional: true, sort: (p) => p.role, cell: (p) => t(`role.${p.role}`) },
    {
      key: 'groups',
      title: t('people.groups'),
      wrap: true,
      optional: true,
      cell: (p) => p.groups.map((g) => g.name).join(', ') || '–',
    },
    {
      key: 'factor',
      title: t('people.factor'),
      optional: true,
      cell: (p) => (p.factor ? t('common.yes') : <Chip tone="warn">{t('people.noFactor')}</Chip>),
    },
    {
      key: 'devices',
      title: t('people.devices'),
      numeric: true,
      sort: (p) => p.devices,
      cell: (p) =>
        p.connected > 0 ? t('people.devicesConnected', { devices: p.devices, connected: p.connected }) : p.devices,
    },
    {
      key: 'seen',
      title: t('people.lastSignIn'),
      optional: true,
      sort: (p) => p.lastSignInAt ?? '',
      cell: (p) => (p.lastSignInAt ? <RelativeTime at={p.lastSignInAt} /> : t('common.never')),
    },
  ];
}
