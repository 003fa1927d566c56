import { Button, NumberInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type PostureTimes, setPostureTimes } from '../../api/posture.ts';
import { useAction } from '../../ui/action.ts';
import { Dialog } from '../../ui/dialog.tsx';
import { say } from '../../ui/notify.ts';
import { ProblemNote } from '../../ui/problem-note.tsx';
import classes from './posture.module.css';

export function TimesDialog({ times, onClose }: { times: PostureTimes; onClose: () => void }) {
  const { t } = useTranslation();
  const [draft, setDraft] = useState(times);
  const save = useAction(() => setPostureTimes(draft), {
    refresh: [['posture'], ['devices'], ['audit']],
    done: () => {
      onClose();
      say(t('postureAdmin.timesSaved'));
    },
  });
  const wrong = save.problem?.byField() ?? {};
  const seconds = (hours: string | number) => Math.round((Number(hours) || 0) * 3600);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.run();
  };
  return (
    <Dialog opened onClose={onClose} title={t('postureAdmin.times')}>
      <form onSubmit={submit} className={classes.form}>
        <NumberInput
          label={t('postureAdmin.settle')}
          description={t('postureAdmin.settleHint')}
          min={0}
          max={2160}
          value={draft.settleSeconds / 3600}
          onChange={(n) => setDraft({ ...draft, settleSeconds: seconds(n) })}
          error={wrong.settleSeconds}
        />
        <NumberInput
          label={t('postureAdmin.silence')}
          description={t('postureAdmin.silenceHint')}
          min={0.2}
          max={720}
          value={draft.silenceSeconds / 3600}
          onChange={(n) => setDraft({ ...draft, silenceSeconds: seconds(n) })}
          error={wrong.silenceSeconds}
        />
        <ProblemNote problem={save.problem} fields />
        <div className={classes.row}>
          <Button variant="default" onClick={onClose}>
            {t('common.cancel')}
          </Button>
          <Button type="submit" loading={save.pending}>
            {t('common.save')}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
