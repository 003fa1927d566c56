import { Button } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconUserPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link, useParams, useRouteContext } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { type GroupDetail, groupQuery } from '../../api/groups.ts';
import { may } from '../../api/rights.ts';
import { Card, Page, Section } from '../../ui/page.tsx';
import { Answer } from '../../ui/states.tsx';
import { RelativeTime } from '../../ui/time.tsx';
import { AddMember, DeleteGroup, RenameGroup } from './dialogs.tsx';
import classes from './groups.module.css';
import { Members } from './members.tsx';
import { useGroupName } from './words.ts';

export function GroupPage() {
  const { t } = useTranslation();
  const { id } = useParams({ from: '/app/admin/groups/$id' });
  const { session } = useRouteContext({ from: '/app' });
  const group = useQuery(groupQuery(id));
  const nameOf = useGroupName();
  const g = group.data;
  const writes = may(session, 'groups.write');
  return (
    <Page
      title={g ? nameOf(g) : t('groups.title')}
      lead={g?.builtIn ? t('groups.everyoneLead') : g?.directory && t('groups.keptBy', { directory: g.directory })}
      actions={writes && g && !g.builtIn && <Actions group={g} />}
    >
      <Answer query={group}>
        {(found) => (
          <>
            <Facts group={found} />
            <Section title={t('groups.uses')} lead={t('groups.usesLead')}>
              <Uses group={found} />
            </Section>
            {!found.builtIn && <MemberSection group={found} />}
          </>
        )}
      </Answer>
    </Page>
  );
}

function Actions({ group }: { group: GroupDetail }) {
  const { t } = useTranslation();
  const [renaming, rename] = useDisclosure(false);
  const [deleting, remove] = useDisclosure(false);
  return (
    <>
      {group.renameable && (
        <Button variant="default" onClick={rename.open}>
          {t('groups.rename')}
        </Button>
      )}
      {!group.directory && (
        <Button variant="default" onClick={remove.open}>
          {t('common.delete')}
        </Button>
      )}
      <RenameGroup group={group} opened={renaming} onClose={rename.close} />
      <DeleteGroup group={group} opened={deleting} onClose={remove.close} />
    </>
  );
}

function Facts({ group }: { group: GroupDetail }) {
  const { t, i18n } = useTranslation();
  const number = (n: number) => new Intl.NumberFormat(i18n.language).format(n);
  return (
    <Card>
      <dl className={classes.facts}>
        <div>
          <dt>{t('groups.members')}</dt>
          <dd>{group.builtIn ? t('groups.all') : number(group.members)}</dd>
        </div>
        {group.bySource.map(({ source, members }) => (
          <div key={source}>
            <dt>{t(`groups.source.${source}`)}</dt>
            <dd>{number(members)}</dd>
          </div>
        ))}
        {!group.builtIn && (
          <div>
            <dt>{t('groups.since')}</dt>
            <dd>
              <RelativeTime at={group.createdAt} />
            </dd>
          </div>
        )}
      </dl>
    </Card>
  );
}

/** What names the group, with a way to it: as long as there is something, it can't be deleted. */
function Uses({ group }: { group: GroupDetail }) {
  const { t } = useTranslation();
  if (group.uses.length === 0) return <p className={classes.note}>{t('groups.unused')}</p>;
  return (
    <Card flush>
      <ul className={classes.uses}>
        {group.uses.map((use) => (
          <li key={`${use.kind} ${use.id}`}>
            <span>{t(`groups.use.${use.kind}`)}</span>
            <Use use={use} />
          </li>
        ))}
      </ul>
    </Card>
  );
}

function Use({ use }: { use: GroupDetail['uses'][number] }) {
  const { t } = useTranslation();
  switch (use.kind) {
    case 'rule':
      return (
        <Link to="/admin/access" search={{ edit: use.id }}>
          {use.name}
        </Link>
      );
    case 'resource':
      return (
        <Link to="/admin/access" search={{ tab: 'resources', edit: use.id }}>
          {use.name}
        </Link>
      );
    case 'profile':
      return (
        <Link to="/admin/profiles/$id" params={{ id: use.id }}>
          {use.name}
        </Link>
      );
    case 'factor_policy':
      return <Link to="/admin/second-factors">{t('groups.thisGroup')}</Link>;
    case 'policy_test':
      return <Link to="/admin/policy">{use.name}</Link>;
  }
}

function MemberSection({ group }: { group: GroupDetail }) {
  const { t } = useTranslation();
  const { session } = useRouteContext({ from: '/app' });
  const [adding, add] = useDisclosure(false);
  const reads = may(session, 'people.read');
  const writes = reads && may(session, 'groups.write');
  return (
    <Section
      title={t('groups.members')}
      lead={t('groups.membersLead')}
      actions={
        writes && (
          <Button variant="default" leftSection={<IconUserPlus size={16} aria-hidden />} onClick={add.open}>
            {t('groups.addMember')}
          </Button>
        )
      }
    >
      {reads ? <Members group={group} writes={writes} /> : <p className={classes.note}>{t('groups.membersNoRight')}</p>}
      <AddMember group={group} opened={adding} onClose={add.close} />
    </Section>
  );
}
