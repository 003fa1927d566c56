import { Button } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconLogin2, IconPencil, IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link, useRouteContext } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { may } from '../../api/rights.ts';
import { type Holder, type RoleHolders, rolesQuery } from '../../api/roles.ts';
import { Chip } from '../../ui/chip.tsx';
import { Card, Page, Section } from '../../ui/page.tsx';
import { Answer, Loading } from '../../ui/states.tsx';
import { ChangeRole, GiveRole } from './dialogs.tsx';
import { RightsTable } from './rights-table.tsx';
import classes from './roles.module.css';

/** Who has which role and from where, and what each role may do. */
export function RolesPage() {
  const { t } = useTranslation();
  const { session } = useRouteContext({ from: '/app' });
  const roles = useQuery(rolesQuery());
  const [giving, give] = useDisclosure(false);
  const [changing, change] = useState<Held>();
  const gives = may(session, 'people.roles');
  return (
    <Page
      title={t('roles.title')}
      lead={t('roles.lead')}
      actions={
        gives && (
          <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={give.open}>
            {t('roles.give')}
          </Button>
        )
      }
    >
      <Answer query={roles} loading={<Loading rows={8} />}>
        {(table) => (
          <>
            <Section title={t('roles.holders')} lead={t('roles.holdersLead')}>
              <div className={classes.roles}>
                {table.roles.map((role) => (
                  <RoleCard
                    key={role.role}
                    role={role}
                    onChange={gives ? (holder) => change({ holder, role: role.role }) : undefined}
                  />
                ))}
              </div>
            </Section>
            <Section title={t('roles.table')} lead={t('roles.tableLead')}>
              <RightsTable table={table} />
            </Section>
          </>
        )}
      </Answer>
      <GiveRole opened={giving} onClose={give.close} />
      <ChangeRole held={changing} onClose={() => change(undefined)} />
    </Page>
  );
}

/** Somebody and the role that they have. */
export type Held = { holder: Holder; role: RoleHolders['role'] };

type CardProps = { role: RoleHolders; onChange?: (holder: Holder) => void };

function RoleCard({ role, onChange }: CardProps) {
  const { t } = useTranslation();
  const more = role.people - role.holders.length;
  return (
    <Card flush>
      <div className={classes.role}>
        <div className={classes.roleHead}>
          <h3>{t(`role.${role.role}`)}</h3>
          <span>{t('roles.people', { count: role.people })}</span>
        </div>
        <p className={classes.lead}>{t(`roleLead.${role.role}`)}</p>
        {role.role !== 'user' && role.people === 0 && <p className={classes.none}>{t('roles.nobody')}</p>}
        {role.holders.length > 0 && (
          <ul className={classes.holders}>
            {role.holders.map((holder) => (
              <HolderRow key={holder.id} holder={holder} onChange={onChange && (() => onChange(holder))} />
            ))}
            {more > 0 && <li>{t('roles.more', { count: more })}</li>}
          </ul>
        )}
      </div>
    </Card>
  );
}

function HolderRow({ holder, onChange }: { holder: Holder; onChange?: () => void }) {
  const { t } = useTranslation();
  const name = holder.name || holder.email;
  return (
    <li>
      <Link to="/admin/people/$id" params={{ id: holder.id }} className={classes.who}>
        <b>{name}</b>
        {holder.name && <span>{holder.email}</span>}
      </Link>
      {holder.state === 'suspended' && <Chip tone="bad">{t('personState.suspended')}</Chip>}
      <Chip tone={holder.byClaim ? 'plain' : 'accent'} icon={holder.byClaim ? IconLogin2 : IconPencil}>
        {t(holder.byClaim ? 'roles.byClaim' : 'roles.assigned')}
      </Chip>
      {onChange && (
        <Button variant="default" size="xs" onClick={onChange} aria-label={t('roles.changeOf', { name })}>
          {t('roles.change')}
        </Button>
      )}
    </li>
  );
}
