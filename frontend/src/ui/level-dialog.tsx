import { Button, Select, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { components } from '../api/schema.gen.ts';
import { useAction } from './action.ts';
import classes from './confirm.module.css';
import { Dialog } from './dialog.tsx';
import { fromLocal, localZone, toLocal } from './local-time.ts';
import { say } from './notify.ts';
import { ProblemNote } from './problem-note.tsx';

type LevelInput = components['schemas']['LevelInput'];
type Hold = components['schemas']['Hold'];

const levels = ['full', 'restricted', 'quarantine', 'none'] as const;

type Props = {
  name: string;
  whole?: boolean; // every device of a person
  hold?: Hold;
  save: (input: LevelInput) => Promise<unknown>;
  onClose: () => void;
};

/** Holds a device or a person at a lower level for a while, or lets it go. */
export function LevelDialog({ name, whole, hold, save, onClose }: Props) {
  const { t } = useTranslation();
  const [level, setLevel] = useState<LevelInput['level']>(hold?.level ?? 'restricted');
  const [reason, setReason] = useState(hold?.reason ?? '');
  const [until, setUntil] = useState(hold?.until);
  const low = level !== 'full';
  const run = useAction(() => save(low ? { level, reason: reason.trim(), until } : { level }), {
    refresh: [['devices'], ['people'], ['overview'], ['audit']],
    done: () => {
      onClose();
      say(t('level.saved', { name }));
    },
  });
  const problems = run.problem?.byField() ?? {};
  const ready = !low || reason.trim() !== '';
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (ready && !run.pending) run.run();
  };
  return (
    <Dialog opened onClose={onClose} title={t('level.title', { name })}>
      <form onSubmit={submit} className={classes.form}>
        <p>{whole ? t('level.leadPerson') : t('level.leadDevice')}</p>
        <Select
          label={t('level.level')}
          description={t(`level.means.${level}`)}
          value={level}
          data={levels.map((l) => ({ value: l, label: t(`level.name.${l}`) }))}
          onChange={(l) => l && setLevel(l as LevelInput['level'])}
          allowDeselect={false}
          data-autofocus
        />
        {low && (
          <>
            <TextInput
              label={t('level.reason')}
              description={t('level.reasonHint')}
              value={reason}
              maxLength={500}
              required
              onChange={(e) => setReason(e.currentTarget.value)}
              error={problems.reason}
            />
            <TextInput
              type="datetime-local"
              label={t('level.until')}
              description={`${t('level.untilHint')} ${t('common.inZone', { zone: localZone() })}`}
              value={toLocal(until)}
              onChange={(e) => setUntil(fromLocal(e.currentTarget.value))}
              error={problems.until}
            />
          </>
        )}
        <ProblemNote problem={run.problem} fields />
        <div className={classes.row}>
          <Button variant="default" onClick={onClose}>
            {t('common.cancel')}
          </Button>
          <Button type="submit" color={low ? 'red' : undefined} disabled={!ready} loading={run.pending}>
            {t('common.save')}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
