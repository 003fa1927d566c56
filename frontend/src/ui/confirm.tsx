import { Button, TextInput } from '@mantine/core';
import { type FormEvent, type ReactNode, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Problem } from '../api/problem.ts';
import classes from './confirm.module.css';
import { Dialog } from './dialog.tsx';
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
  // While it fades out, what it was about may have changed already: it keeps the words that were agreed to.
  const words = useRef({ title, children, verb, harmless });
  if (opened) words.current = { title, children, verb, harmless };
  const said = words.current;
  const ready = !typeName || typed.trim() === typeName;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (ready && !pending) onConfirm();
  };
  return (
    <Dialog opened={opened} onClose={onClose} title={said.title}>
      <form onSubmit={submit} className={classes.form}>
        <div className={classes.words}>{said.children}</div>
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
          <Button type="submit" color={said.harmless ? undefined : 'red'} disabled={!ready} loading={pending}>
            {said.verb}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
