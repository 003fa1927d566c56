import { Button } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconPlus, IconUsersGroup } from '@tabler/icons-react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { Link, useNavigate, useRouteContext, useSearch } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { type Group, groupPagesQuery } from '../../api/groups.ts';
import { may } from '../../api/rights.ts';
import type { Column } from '../../ui/columns.ts';
import { Page } from '../../ui/page.tsx';
import { SearchField } from '../../ui/search-field.tsx';
import { Answer, Empty, Loading, More } from '../../ui/states.tsx';
import { DataTable } from '../../ui/table.tsx';
import { NewGroup } from './dialogs.tsx';
import classes from './groups.module.css';
import { Sources } from './sources.tsx';
import { everyone, useGroupName } from './words.ts';

export function GroupsPage() {
  const { t } = useTranslation();
  const { q } = useSearch({ from: '/app/admin/groups' });
  const { session } = useRouteContext({ from: '/app' });
  const navigate = useNavigate({ from: '/admin/groups' });
  const groups = useInfiniteQuery({ ...groupPagesQuery(q ?? ''), placeholderData: (old) => old });
  const columns = useColumns();
  const [making, make] = useDisclosure(false);
  return (
    <Page
      title={t('groups.title')}
      lead={t('groups.lead')}
      actions={
        may(session, 'groups.write') && (
          <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={make.open}>
            {t('groups.add')}
          </Button>
        )
      }
    >
      <Answer query={groups} loading={<Loading rows={6} />}>
        {(data) => {
          const rows = data.pages.flatMap((p) => p.items);
          return (
            <>
              <DataTable
                id="groups"
                label={t('groups.title')}
                rows={rows}
                rowKey={(g) => g.id}
                columns={columns}
                toolbar={
                  <SearchField
                    label={t('groups.search')}
                    value={q}
                    onChange={(next) => void navigate({ search: { q: next }, replace: true })}
                  />
                }
              />
              {rows.length === 0 && (
                <Empty icon={<IconUsersGroup size={26} stroke={1.6} />} title={t('groups.noMatch')}>
                  {t('groups.noMatchLead', { q })}
                </Empty>
              )}
              <More query={groups} />
            </>
          );
        }}
      </Answer>
      <NewGroup opened={making} onClose={make.close} />
    </Page>
  );
}

function useColumns(): Column<Group>[] {
  const { t, i18n } = useTranslation();
  const nameOf = useGroupName();
  return [
    {
      key: 'name',
      title: t('groups.name'),
      main: true,
      cell: (g) => (
        <Link to="/admin/groups/$id" params={{ id: g.id }} className={classes.name}>
          {nameOf(g)}
        </Link>
      ),
    },
    {
      key: 'members',
      title: t('groups.members'),
      numeric: true,
      cell: (g) => (g.id === everyone ? t('groups.all') : new Intl.NumberFormat(i18n.language).format(g.members ?? 0)),
    },
    { key: 'sources', title: t('groups.sources'), cell: (g) => <Sources sources={g.sources} /> },
    {
      key: 'directory',
      title: t('groups.directory'),
      optional: true,
      hidden: true,
      wrap: true,
      cell: (g) => g.directory ?? '–',
    },
  ];
}
