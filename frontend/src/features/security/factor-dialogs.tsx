import { Button, TextInput } from '@mantine/core';
import { type FormEvent, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Factor, factorsQuery, removeFactor, renameFactor, sessionQuery } from '../../api/session.ts';
import { useAction } from '../../ui/action.ts';
import { Confirm } from '../../ui/confirm.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { say } from '../../ui/notify.ts';
import { ProblemNote } from '../../ui/problem-note.tsx';
import classes from './security.module.css';

type Props = { factor: Factor; name: string; opened: boolean; onClose: () => void };

const refresh = [factorsQuery().queryKey, sessionQuery().queryKey];

export function RenameFactorDialog({ factor, name, opened, onClose }: Props) {
  const { t } = useTranslation();
  const [typed, setTyped] = useState(name);
  const rename = useAction((to: string) => renameFactor(factor.id, to), { refresh, done: onClose });
  useEffect(() => {
    if (opened) setTyped(name);
  }, [opened, name]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (typed.trim()) rename.run(typed.trim());
  };
  return (
    <Dialog opened={opened} onClose={onClose} title={t('factor.renameTitle')}>
      <form onSubmit={submit} className={classes.form}>
        <TextInput
          label={t('factor.name')}
          value={typed}
          onChange={(e) => setTyped(e.currentTarget.value)}
          maxLength={64}
          error={rename.problem?.byField().name}
          data-autofocus
        />
        <ProblemNote problem={rename.problem} />
        <div className={classes.formRow}>
          <Button variant="default" onClick={onClose}>
            {t('common.cancel')}
          </Button>
          <Button type="submit" loading={rename.pending} disabled={!typed.trim()}>
            {t('common.save')}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

export function RemoveFactorDialog({ factor, name, opened, onClose }: Props) {
  const { t } = useTranslation();
  const remove = useAction(() => removeFactor(factor.id), {
    refresh,
    done: () => {
      onClose();
      say(t('factor.removed', { name }));
    },
  });
  return (
    <Confirm
      opened={opened}
      onClose={onClose}
      title={t('factor.removeTitle', { name })}
      verb={t('factor.remove')}
      onConfirm={() => remove.run()}
      pending={remove.pending}
      problem={remove.problem}
    >
      <p>{t(factor.kind === 'passkey' ? 'factor.removePasskey' : 'factor.removeApp')}</p>
    </Confirm>
  );
}
