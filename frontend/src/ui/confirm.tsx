import { Button, Modal, TextInput } from '@mantine/core';
import { type FormEvent, type ReactNode, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Problem } from '../api/problem.ts';
import classes from './confirm.module.css';
import { ProblemNote } from './problem-note.tsx';

type Props = {
  opened: boolean;
  onClose: () => void;
  title: string;
  children: ReactNode; // what it destroys and how many tunnels it cuts
  verb: string;
  typeName?: string; // where it cannot be undone: the name to type
  harmless?: boolean;
  onConfirm: () => void;
  pending: boolean;
  problem: Problem | null;
};

/** Asks before something that hurts. */
export function Confirm({
  opened,
  onClose,
  title,
  children,
  verb,
  typeName,
  harmless,
  onConfirm,
  pending,
  problem,
}: Props) {
  const { t } = useTranslation();
  const [typed, setTyped] = useState('');
  useEffect(() => {
    if (opened) setTyped('');
  }, [opened]);
  const ready = !typeName || typed.trim() === typeName;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (ready && !pending) onConfirm();
  };
  return (
    <Modal opened={opened} onClose={onClose} title={title} closeButtonProps={{ 'aria-label': t('common.close') }}>
      <form onSubmit={submit} className={classes.form}>
        <div className={classes.words}>{children}</div>
        {typeName && (
          <TextInput
            label={t('confirm.typeName', { name: typeName })}
            value={typed}
            onChange={(e) => setTyped(e.currentTarget.value)}
            autoComplete="off"
            data-autofocus
          />
        )}
        <ProblemNote problem={problem} fields />
        <div className={classes.row}>
          <Button variant="default" onClick={onClose} data-autofocus={typeName ? undefined : true}>
            {t('common.cancel')}
          </Button>
          <Button type="submit" color={harmless ? undefined : 'red'} disabled={!ready} loading={pending}>
            {verb}
          </Button>
        </div>
      </form>
    </Modal>
  );
}
