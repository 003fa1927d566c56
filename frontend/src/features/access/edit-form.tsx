import { Button } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import type { FormEvent, ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { Problem } from '../../api/problem.ts';
import type { PolicyChange } from '../../api/reachability.ts';
import { useAction } from '../../ui/action.ts';
import { Confirm } from '../../ui/confirm.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { PolicyPreviewNote } from '../../ui/policy-preview.tsx';
import { ProblemNote } from '../../ui/problem-note.tsx';
import classes from './access.module.css';

/** How it is deleted, and what that changes where the portal can say it before. */
type Removal = { run: () => Promise<unknown>; title: string; what: string; change?: PolicyChange };

type Props = {
  opened: boolean;
  onClose: () => void;
  title: string;
  onSave: () => void;
  saving: boolean;
  problem: Problem | null;
  ready: boolean;
  remove?: Removal;
  children: ReactNode;
};

const refresh = [['rules'], ['resources'], ['audit']];

/** The dialog around a rule's or a resource's fields: save, cancel, and delete where it exists. */
export function EditForm({ opened, onClose, title, onSave, saving, problem, ready, remove, children }: Props) {
  const { t } = useTranslation();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (ready) onSave();
  };
  return (
    <Dialog opened={opened} onClose={onClose} size="lg" title={title}>
      <form onSubmit={submit} className={classes.form}>
        {children}
        <ProblemNote problem={problem} fields />
        <div className={classes.buttons}>
          {remove && <Remove {...remove} onDone={onClose} />}
          <span className={classes.spring} />
          <Button variant="default" onClick={onClose}>
            {t('common.cancel')}
          </Button>
          <Button type="submit" loading={saving} disabled={!ready}>
            {t('common.save')}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function Remove({ run, title, what, change, onDone }: Removal & { onDone: () => void }) {
  const { t } = useTranslation();
  const [asking, ask] = useDisclosure(false);
  const remove = useAction(run, { refresh, done: onDone });
  return (
    <>
      <Button variant="default" onClick={ask.open}>
        {t('common.delete')}
      </Button>
      <Confirm
        opened={asking}
        onClose={ask.close}
        title={title}
        verb={t('common.delete')}
        onConfirm={() => remove.run()}
        pending={remove.pending}
        problem={remove.problem}
      >
        <p>{what}</p>
        {change && <PolicyPreviewNote change={change} ready={asking} />}
      </Confirm>
    </>
  );
}
