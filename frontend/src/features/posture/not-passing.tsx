import { Button, Menu, TextInput } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { createException, notPassingQuery, type PostureCheck, type PostureDevice } from '../../api/posture.ts';
import { useAction } from '../../ui/action.ts';
import { Dialog } from '../../ui/dialog.tsx';
import { fromLocal, localZone, toLocal } from '../../ui/local-time.ts';
import { say } from '../../ui/notify.ts';
import { Outcome, PostureDialog } from '../../ui/posture-dialog.tsx';
import { valueText } from '../../ui/posture-words.ts';
import { ProblemNote } from '../../ui/problem-note.tsx';
import { RowMenu } from '../../ui/row-menu.tsx';
import { Answer, More } from '../../ui/states.tsx';
import { DataTable } from '../../ui/table.tsx';
import classes from './posture.module.css';

type Props = { check: PostureCheck; writes: boolean; onClose: () => void };

/** The devices that do not pass a check, and what to do about one of them. */
export function NotPassing({ check, writes, onClose }: Props) {
  const { t } = useTranslation();
  const devices = useInfiniteQuery(notPassingQuery(check.id));
  const [shown, show] = useState<PostureDevice>();
  const [letting, letBe] = useState<PostureDevice>();
  const does = check.reportOnly ? undefined : check.severity;
  if (shown) return <PostureDialog device={shown} onClose={() => show(undefined)} />;
  if (letting) return <ExceptionDialog check={check} device={letting} onClose={() => letBe(undefined)} />;
  return (
    <Dialog opened onClose={onClose} title={t('postureAdmin.whoTitle', { name: check.name })} size="lg">
      <Answer query={devices}>
        {(data) => {
          const rows = data.pages.flatMap((p) => p.items);
          if (rows.length === 0) return <p>{t('postureAdmin.nobody')}</p>;
          return (
            <>
              <DataTable
                id="posture-devices"
                label={t('postureAdmin.who')}
                rows={rows}
                rowKey={(d) => d.id}
                columns={[
                  { key: 'name', title: t('postureAdmin.device'), main: true, cell: (d) => <b>{d.name}</b> },
                  { key: 'owner', title: t('postureAdmin.owner'), cell: (d) => d.owner.name },
                  {
                    key: 'result',
                    title: t('postureAdmin.result'),
                    cell: (d) => <Outcome check={{ ...d, does, reportOnly: check.reportOnly }} />,
                  },
                  {
                    key: 'seen',
                    title: t('postureAdmin.seen'),
                    cell: (d) => (d.seen ? valueText(t, d.seen) : t(`posture.reason.${d.reason}`)),
                  },
                ]}
                actions={(d) => (
                  <RowMenu name={d.name}>
                    <Menu.Item onClick={() => show(d)}>{t('postureAdmin.detail')}</Menu.Item>
                    {writes && <Menu.Item onClick={() => letBe(d)}>{t('postureAdmin.except')}</Menu.Item>}
                  </RowMenu>
                )}
              />
              <More query={devices} />
            </>
          );
        }}
      </Answer>
    </Dialog>
  );
}

const day = 24 * 60 * 60 * 1000;

type ExceptionProps = { check: PostureCheck; device: PostureDevice; onClose: () => void };

function ExceptionDialog({ check, device, onClose }: ExceptionProps) {
  const { t } = useTranslation();
  const [until, setUntil] = useState<string | undefined>(() => new Date(Date.now() + 7 * day).toISOString());
  const [reason, setReason] = useState('');
  const save = useAction(() => createException({ check: check.id, device: device.id, until: until ?? '', reason }), {
    refresh: [['posture'], ['devices'], ['audit']],
    done: () => {
      onClose();
      say(t('postureAdmin.exceptionMade', { name: device.name }));
    },
  });
  const wrong = save.problem?.byField() ?? {};
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (until) save.run();
  };
  return (
    <Dialog opened onClose={onClose} title={t('postureAdmin.exceptTitle', { name: device.name })}>
      <form onSubmit={submit} className={classes.form}>
        <p>{t('postureAdmin.exceptLead', { name: device.name, check: check.name })}</p>
        <TextInput
          type="datetime-local"
          label={t('postureAdmin.until')}
          description={t('common.inZone', { zone: localZone() })}
          value={toLocal(until)}
          required
          onChange={(e) => setUntil(fromLocal(e.currentTarget.value))}
          error={wrong.until}
        />
        <TextInput
          label={t('postureAdmin.reason')}
          description={t('postureAdmin.reasonHint')}
          value={reason}
          maxLength={500}
          required
          data-autofocus
          onChange={(e) => setReason(e.currentTarget.value)}
          error={wrong.reason}
        />
        <ProblemNote problem={save.problem} fields />
        <div className={classes.row}>
          <Button variant="default" onClick={onClose}>
            {t('common.cancel')}
          </Button>
          <Button type="submit" disabled={!until} loading={save.pending}>
            {t('common.save')}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
