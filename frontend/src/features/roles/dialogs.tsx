import { Button, NativeSelect } from '@mantine/core';
import { type FormEvent, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Person, type Role, setRole } from '../../api/people.ts';
import { useAction } from '../../ui/action.ts';
import { Dialog } from '../../ui/dialog.tsx';
import form from '../../ui/form.module.css';
import { say } from '../../ui/notify.ts';
import { PersonSelect } from '../../ui/person-select.tsx';
import { ProblemNote } from '../../ui/problem-note.tsx';
import type { Held } from './page.tsx';
import classes from './roles.module.css';

const roles: Role[] = ['owner', 'admin', 'network_admin', 'help_desk', 'auditor'];
const refresh = [['roles'], ['people'], ['session'], ['audit']];

/** Gives a role to somebody found by name. */
export function GiveRole({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const { t } = useTranslation();
  const [person, setPerson] = useState<Person>();
  const [role, choose] = useState<Role>('auditor');
  const give = useAction((id: string) => setRole(id, role), {
    refresh,
    done: (now) => {
      onClose();
      say(t('roles.given', { name: now.name || now.email, role: t(`role.${now.role}`) }));
    },
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: begins anew when it opens
  useEffect(() => {
    if (!opened) return;
    setPerson(undefined);
    give.reset();
  }, [opened]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (person) give.run(person.id);
  };
  return (
    <Dialog opened={opened} onClose={onClose} title={t('roles.giveTitle')}>
      <form onSubmit={submit} className={form.form}>
        <PersonSelect label={t('roles.person')} value={person} onChange={setPerson} />
        {person && person.role !== 'user' && (
          <p className={classes.lead}>{t('roles.has', { role: t(`role.${person.role}`) })}</p>
        )}
        <RoleField value={role} onChange={choose} options={roles} />
        <ProblemNote problem={give.problem} fields />
        <div className={form.buttons}>
          <Button variant="default" onClick={onClose}>
            {t('common.cancel')}
          </Button>
          <Button type="submit" loading={give.pending} disabled={!person}>
            {t('roles.give')}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

/** Changes the role of somebody who has one, or takes it. */
export function ChangeRole({ held, onClose }: { held: Held | undefined; onClose: () => void }) {
  const { t } = useTranslation();
  const [role, choose] = useState<Role>('user');
  const change = useAction((id: string) => setRole(id, role), {
    refresh,
    done: (now) => {
      onClose();
      say(t('roles.given', { name: now.name || now.email, role: t(`role.${now.role}`) }));
    },
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: begins anew when it opens
  useEffect(() => {
    if (!held) return;
    choose('user');
    change.reset();
  }, [held]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (held) change.run(held.holder.id);
  };
  const name = held?.holder.name || held?.holder.email;
  const options = [...roles, 'user' as const].filter((other) => other !== held?.role);
  return (
    <Dialog opened={held !== undefined} onClose={onClose} title={t('roles.changeTitle', { name })}>
      <form onSubmit={submit} className={form.form}>
        {held && <p>{t('roles.has', { role: t(`role.${held.role}`) })}</p>}
        {held?.holder.byClaim && <p className={classes.lead}>{t('roles.claimBack')}</p>}
        <RoleField value={role} onChange={choose} options={options} />
        <ProblemNote problem={change.problem} fields />
        <div className={form.buttons}>
          <Button variant="default" onClick={onClose}>
            {t('common.cancel')}
          </Button>
          <Button type="submit" color={role === 'user' ? 'red' : undefined} loading={change.pending}>
            {t(role === 'user' ? 'roles.take' : 'roles.change')}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

type FieldProps = { value: Role; onChange: (role: Role) => void; options: Role[] };

function RoleField({ value, onChange, options }: FieldProps) {
  const { t } = useTranslation();
  return (
    <NativeSelect
      label={t('roles.newRole')}
      description={t(`roleLead.${value}`)}
      inputWrapperOrder={['label', 'input', 'description', 'error']}
      value={value}
      onChange={(e) => onChange(e.currentTarget.value as Role)}
      data={options.map((role) => ({ value: role, label: t(`role.${role}`) }))}
    />
  );
}
