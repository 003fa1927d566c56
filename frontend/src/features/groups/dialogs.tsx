import { Button, TextInput } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { type FormEvent, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { addMember, createGroup, deleteGroup, type GroupDetail, renameGroup } from '../../api/groups.ts';
import type { Person } from '../../api/people.ts';
import { useAction } from '../../ui/action.ts';
import { Confirm } from '../../ui/confirm.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import form from '../../ui/form.module.css';
import { say } from '../../ui/notify.ts';
import { PersonSelect } from '../../ui/person-select.tsx';
import { ProblemNote } from '../../ui/problem-note.tsx';
import classes from './groups.module.css';

type Props = { opened: boolean; onClose: () => void };

export const refresh = [['groups'], ['people'], ['rules'], ['profiles'], ['audit']];

export function NewGroup({ opened, onClose }: Props) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const make = useAction(createGroup, {
    refresh,
    done: (made) => {
      onClose();
      say(t('groups.made', { name: made.name }));
      return navigate({ to: '/admin/groups/$id', params: { id: made.id } });
    },
  });
  return (
    <Dialog opened={opened} onClose={onClose} title={t('groups.addTitle')}>
      <NameForm
        hint={t('groups.addHint')}
        start=""
        verb={t('groups.create')}
        opened={opened}
        onClose={onClose}
        action={make}
      />
    </Dialog>
  );
}

export function RenameGroup({ group, opened, onClose }: Props & { group: GroupDetail }) {
  const { t } = useTranslation();
  const rename = useAction((name: string) => renameGroup(group.id, name), {
    refresh,
    done: () => {
      onClose();
      say(t('groups.renamed'));
    },
  });
  return (
    <Dialog opened={opened} onClose={onClose} title={t('groups.renameTitle', { name: group.name })}>
      <NameForm
        hint={t('groups.renameHint')}
        start={group.name}
        verb={t('common.save')}
        opened={opened}
        onClose={onClose}
        action={rename}
      />
    </Dialog>
  );
}

type NameProps = {
  hint: string;
  start: string;
  verb: string;
  opened: boolean;
  onClose: () => void;
  action: ReturnType<typeof useAction<string, unknown>>;
};

function NameForm({ hint, start, verb, opened, onClose, action }: NameProps) {
  const { t } = useTranslation();
  const [name, setName] = useState(start);
  const { run, reset, problem, pending } = action;
  // biome-ignore lint/correctness/useExhaustiveDependencies: begins anew when it opens
  useEffect(() => {
    if (!opened) return;
    setName(start);
    reset();
  }, [opened]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (name.trim()) run(name.trim());
  };
  return (
    <form onSubmit={submit} className={form.form}>
      <TextInput
        label={t('groups.name')}
        description={hint}
        value={name}
        maxLength={64}
        onChange={(e) => setName(e.currentTarget.value)}
        error={problem?.byField().name}
        data-autofocus
      />
      <ProblemNote problem={problem} />
      <div className={form.buttons}>
        <Button variant="default" onClick={onClose}>
          {t('common.cancel')}
        </Button>
        <Button type="submit" loading={pending} disabled={!name.trim()}>
          {verb}
        </Button>
      </div>
    </form>
  );
}

/** Asks before a group goes. What still names it is listed, since the portal refuses until nothing does. */
export function DeleteGroup({ group, opened, onClose }: Props & { group: GroupDetail }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const remove = useAction(() => deleteGroup(group.id), {
    refresh,
    done: () => {
      onClose();
      say(t('groups.deleted', { name: group.name }));
      return navigate({ to: '/admin/groups' });
    },
  });
  if (group.uses.length > 0) {
    return (
      <Dialog opened={opened} onClose={onClose} title={t('groups.usedTitle', { name: group.name })}>
        <div className={form.form}>
          <p>{t('groups.usedWhat')}</p>
          <ul className={classes.used}>
            {group.uses.map((use) => (
              <li key={`${use.kind} ${use.id}`}>{t(`groups.usedAs.${use.kind}`, { name: use.name })}</li>
            ))}
          </ul>
          <div className={form.buttons}>
            <Button onClick={onClose}>{t('common.close')}</Button>
          </div>
        </div>
      </Dialog>
    );
  }
  return (
    <Confirm
      opened={opened}
      onClose={onClose}
      title={t('groups.deleteTitle', { name: group.name })}
      verb={t('common.delete')}
      typeName={group.members > 0 ? group.name : undefined}
      onConfirm={() => remove.run()}
      pending={remove.pending}
      problem={remove.problem}
    >
      <p>{t('groups.deleteWhat', { count: group.members })}</p>
      {group.bySource.some((s) => s.source === 'claim') && <p>{t('groups.deleteClaims')}</p>}
    </Confirm>
  );
}

export function AddMember({ group, opened, onClose }: Props & { group: GroupDetail }) {
  const { t } = useTranslation();
  const [person, setPerson] = useState<Person>();
  const add = useAction((id: string) => addMember(group.id, id), {
    refresh,
    done: () => {
      onClose();
      say(t('groups.added', { name: person?.name, group: group.name }));
    },
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: begins anew when it opens
  useEffect(() => {
    if (!opened) return;
    setPerson(undefined);
    add.reset();
  }, [opened]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (person) add.run(person.id);
  };
  return (
    <Dialog opened={opened} onClose={onClose} title={t('groups.addMemberTitle', { group: group.name })}>
      <form onSubmit={submit} className={form.form}>
        <PersonSelect
          label={t('groups.person')}
          description={t('groups.addMemberHint')}
          value={person}
          onChange={setPerson}
        />
        <ProblemNote problem={add.problem} fields />
        <div className={form.buttons}>
          <Button variant="default" onClick={onClose}>
            {t('common.cancel')}
          </Button>
          <Button type="submit" loading={add.pending} disabled={!person}>
            {t('groups.addMember')}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
