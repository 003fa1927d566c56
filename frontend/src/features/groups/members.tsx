import { Button } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type GroupDetail, type GroupMember, membersQuery, removeMember } from '../../api/groups.ts';
import { useAction } from '../../ui/action.ts';
import { Chip } from '../../ui/chip.tsx';
import { Confirm } from '../../ui/confirm.tsx';
import { SearchField } from '../../ui/search-field.tsx';
import { Answer, More } from '../../ui/states.tsx';
import { DataTable } from '../../ui/table.tsx';
import { refresh } from './dialogs.tsx';
import classes from './groups.module.css';
import { Sources } from './sources.tsx';

/** Who is in a group and who says so. Only what was given here can be taken here. */
export function Members({ group, writes }: { group: GroupDetail; writes: boolean }) {
  const { t } = useTranslation();
  const { q } = useSearch({ from: '/app/admin/groups/$id' });
  const navigate = useNavigate({ from: '/admin/groups/$id' });
  const members = useInfiniteQuery({ ...membersQuery(group.id, q ?? ''), placeholderData: (old) => old });
  const [leaving, ask] = useState<GroupMember>();
  return (
    <Answer query={members}>
      {(data) => {
        const rows = data.pages.flatMap((p) => p.items);
        if (rows.length === 0 && !q) return <p className={classes.note}>{t('groups.noMembers')}</p>;
        return (
          <>
            <DataTable
              id="group-members"
              label={t('groups.members')}
              rows={rows}
              rowKey={(m) => m.id}
              toolbar={
                <SearchField
                  label={t('people.search')}
                  value={q}
                  onChange={(next) => void navigate({ search: { q: next }, replace: true })}
                />
              }
              columns={[
                {
                  key: 'name',
                  title: t('people.name'),
                  main: true,
                  cell: (m) => (
                    <Link to="/admin/people/$id" params={{ id: m.id }} className={classes.person}>
                      <b>{m.name || m.email}</b>
                      {m.name && <span>{m.email}</span>}
                    </Link>
                  ),
                },
                { key: 'sources', title: t('groups.sources'), cell: (m) => <Sources sources={m.sources} /> },
                {
                  key: 'state',
                  title: t('people.state'),
                  cell: (m) =>
                    m.state === 'active' ? (
                      t('personState.active')
                    ) : (
                      <Chip tone="bad">{t('personState.suspended')}</Chip>
                    ),
                },
              ]}
              actions={
                writes
                  ? (m) =>
                      m.sources.includes('local') && (
                        <Button
                          variant="default"
                          size="xs"
                          aria-label={t('groups.removeOf', { name: m.name || m.email })}
                          onClick={() => ask(m)}
                        >
                          {t('groups.remove')}
                        </Button>
                      )
                  : undefined
              }
            />
            {rows.length === 0 && <p className={classes.note}>{t('people.noMatchLead', { q })}</p>}
            <More query={members} />
            <RemoveMember group={group} member={leaving} onClose={() => ask(undefined)} />
          </>
        );
      }}
    </Answer>
  );
}

type Props = { group: GroupDetail; member: GroupMember | undefined; onClose: () => void };

function RemoveMember({ group, member, onClose }: Props) {
  const { t } = useTranslation();
  const remove = useAction((id: string) => removeMember(group.id, id), { refresh, done: onClose });
  const others = (member?.sources ?? []).filter((source) => source !== 'local');
  const close = () => {
    onClose();
    remove.reset();
  };
  return (
    <Confirm
      opened={member !== undefined}
      onClose={close}
      title={t('groups.removeTitle', { name: member?.name || member?.email, group: group.name })}
      verb={t('groups.remove')}
      onConfirm={() => member && remove.run(member.id)}
      pending={remove.pending}
      problem={remove.problem}
    >
      {others.length > 0 ? (
        <p>{t('groups.removeStays', { sources: others.map((s) => t(`groups.source.${s}`)).join(', ') })}</p>
      ) : (
        <p>{t('groups.removeWhat')}</p>
      )}
    </Confirm>
  );
}
