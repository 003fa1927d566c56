import { NativeSelect } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useState } from 'react';
import { Trans, useTranslation } from 'react-i18next';
import { type Person, type Role, resetFactors, resumePerson, setRole, suspendPerson } from '../../api/people.ts';
import { useAction } from '../../ui/action.ts';
import { Confirm } from '../../ui/confirm.tsx';
import { say } from '../../ui/notify.ts';

type Props = { person: Person; opened: boolean; onClose: () => void };

const refresh = [['people'], ['devices'], ['overview'], ['roles'], ['audit']];
const roles: Role[] = ['user', 'auditor', 'help_desk', 'network_admin', 'admin', 'owner'];
const nameOf = (person: Person) => person.name || person.email;

export function SuspendDialog({ person, opened, onClose }: Props) {
  const { t } = useTranslation();
  const active = person.state === 'active';
  const change = useAction(() => (active ? suspendPerson(person.id) : resumePerson(person.id)), {
    refresh,
    done: () => {
      onClose();
      say(t(active ? 'people.suspended' : 'people.resumed', { name: nameOf(person) }));
    },
  });
  return (
    <Confirm
      opened={opened}
      onClose={onClose}
      title={t(active ? 'people.suspendTitle' : 'people.resumeTitle', { name: nameOf(person) })}
      verb={t(active ? 'people.suspend' : 'people.resume')}
      harmless={!active}
      onConfirm={() => change.run()}
      pending={change.pending}
      problem={change.problem}
    >
      {active ? (
        <>
          <p>{t('people.suspendWhat')}</p>
          <p>{t('people.suspendCuts', { count: person.connected })}</p>
        </>
      ) : (
        <p>{t('people.resumeWhat')}</p>
      )}
    </Confirm>
  );
}

export function ResetFactorsDialog({ person, opened, onClose }: Props) {
  const { t } = useTranslation();
  const reset = useAction(() => resetFactors(person.id), {
    refresh,
    done: () => {
      onClose();
      say(t('people.factorsReset', { name: nameOf(person) }));
    },
  });
  return (
    <Confirm
      opened={opened}
      onClose={onClose}
      title={t('people.resetTitle', { name: nameOf(person) })}
      verb={t('people.resetFactors')}
      onConfirm={() => reset.run()}
      pending={reset.pending}
      problem={reset.problem}
    >
      <p>{t('people.resetWhat')}</p>
    </Confirm>
  );
}

export function RoleSelect({ person }: { person: Person }) {
  const { t } = useTranslation();
  const [asked, setAsked] = useState<Role>(person.role);
  const [asking, ask] = useDisclosure(false);
  const change = useAction((role: Role) => setRole(person.id, role), { refresh, done: ask.close });
  return (
    <>
      <NativeSelect
        size="xs"
        w={180}
        aria-label={t('people.role')}
        value={person.role}
        data={roles.map((role) => ({ value: role, label: t(`role.${role}`) }))}
        onChange={(e) => {
          setAsked(e.currentTarget.value as Role);
          change.reset();
          ask.open();
        }}
      />
      <Confirm
        opened={asking}
        onClose={ask.close}
        title={t('people.roleTitle', { name: nameOf(person) })}
        verb={t('people.changeRole')}
        harmless
        onConfirm={() => change.run(asked)}
        pending={change.pending}
        problem={change.problem}
      >
        <p>
          <Trans i18nKey="people.roleWhat" values={{ role: t(`role.${asked}`) }} components={{ b: <b /> }} />
        </p>
        <p>{t(`roleLead.${asked}`)}</p>
        {person.roleByClaim && <p>{t('roles.claimBack')}</p>}
      </Confirm>
    </>
  );
}
