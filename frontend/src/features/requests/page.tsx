import { Button, NativeSelect, Select, Textarea } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import {
  type AccessRequest,
  approveAccess,
  askForAccess,
  endAccess,
  refuseAccess,
  requestableQuery,
  requestsQuery,
} from '../../api/requests.ts';
import { useAction } from '../../ui/action.ts';
import { Chip, type Tone } from '../../ui/chip.tsx';
import { Confirm } from '../../ui/confirm.tsx';
import { formatDuration } from '../../ui/format.ts';
import { Card, Page, Section } from '../../ui/page.tsx';
import { ProblemNote } from '../../ui/problem-note.tsx';
import { Answer, Empty } from '../../ui/states.tsx';
import { RelativeTime, useNow } from '../../ui/time.tsx';
import classes from './requests.module.css';

const refresh = [['requests'], ['waiting'], ['audit'], ['rules']];

/** Access for a while: what one asks for, what one has, and what others ask of one. */
export function RequestsPage() {
  const { t } = useTranslation();
  const decide = useQuery(requestsQuery('decide'));
  const running = useQuery(requestsQuery('run'));
  const mine = useQuery(requestsQuery('mine'));
  return (
    <Page title={t('requests.title')} lead={t('requests.lead')} narrow>
      {(!!decide.data?.length || decide.error) && (
        <Section title={t('requests.decide')}>
          <Answer query={decide}>{(list) => list.length > 0 && <List requests={list} />}</Answer>
        </Section>
      )}
      {(!!running.data?.length || running.error) && (
        <Section title={t('requests.running')} lead={t('requests.runningLead')}>
          <Answer query={running}>{(list) => list.length > 0 && <List requests={list} others />}</Answer>
        </Section>
      )}
      <Section title={t('requests.ask')}>
        <AskForm />
      </Section>
      <Section title={t('requests.mine')}>
        <Answer query={mine}>
          {(list) =>
            list.length === 0 ? (
              <Empty title={t('requests.none')}>{t('requests.noneLead')}</Empty>
            ) : (
              <List requests={list} />
            )
          }
        </Answer>
      </Section>
    </Page>
  );
}

const durations = [3600, 4 * 3600, 8 * 3600, 24 * 3600, 7 * 24 * 3600, 30 * 24 * 3600];

function AskForm() {
  const { t, i18n } = useTranslation();
  const offered = useQuery(requestableQuery());
  const [resource, setResource] = useState<string | null>(null);
  const [reason, setReason] = useState('');
  const [seconds, setSeconds] = useState(4 * 3600);
  const ask = useAction(() => askForAccess({ resource: resource ?? '', reason: reason.trim(), seconds }), {
    refresh,
    done: () => {
      setResource(null);
      setReason('');
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (resource && reason.trim()) ask.run();
  };
  const problems = ask.problem?.byField() ?? {};
  return (
    <Answer query={offered}>
      {(list) =>
        list.length === 0 ? (
          <Empty title={t('requests.nothing')}>{t('requests.nothingLead')}</Empty>
        ) : (
          <Card>
            <form onSubmit={submit} className={classes.form}>
              <Select
                label={t('requests.what')}
                value={resource}
                onChange={setResource}
                data={list.map((r) => ({ value: r.id, label: r.name }))}
                error={problems.resource}
                searchable
              />
              <NativeSelect
                label={t('requests.long')}
                value={String(seconds)}
                onChange={(e) => setSeconds(Number(e.currentTarget.value))}
                data={durations.map((d) => ({ value: String(d), label: formatDuration(d, i18n.language) }))}
                error={problems.seconds}
              />
              <Textarea
                label={t('requests.why')}
                value={reason}
                maxLength={500}
                autosize
                minRows={2}
                onChange={(e) => setReason(e.currentTarget.value)}
                error={problems.reason}
              />
              <ProblemNote problem={ask.problem} fields />
              <div>
                <Button type="submit" loading={ask.pending} disabled={!resource || !reason.trim()}>
                  {t('requests.send')}
                </Button>
              </div>
            </form>
          </Card>
        )
      }
    </Answer>
  );
}

function List({ requests, others }: { requests: AccessRequest[]; others?: boolean }) {
  return (
    <Card flush>
      <ul className={classes.list}>
        {requests.map((r) => (
          <Row key={r.id} request={r} others={others} />
        ))}
      </ul>
    </Card>
  );
}

const tones: Record<AccessRequest['state'], Tone> = {
  open: 'warn',
  approved: 'good',
  refused: 'bad',
  withdrawn: 'plain',
  expired: 'plain',
  ended: 'plain',
  over: 'plain',
};

function Row({ request: r, others }: { request: AccessRequest; others?: boolean }) {
  const { t, i18n } = useTranslation();
  const approve = useAction(() => approveAccess(r.id), { refresh });
  const end = useAction(() => endAccess(r.id), { refresh });
  const now = useNow();
  const state = r.state === 'approved' && r.until && new Date(r.until) <= now ? 'over' : r.state;
  const name = { what: r.resource.name, who: r.person.name };
  return (
    <li>
      <div className={classes.words}>
        <p>
          <b>{r.mayDecide || others ? t(r.mayDecide ? 'requests.asks' : 'requests.has', name) : r.resource.name}</b>{' '}
          <Chip tone={tones[state]}>{t(`requestState.${state}`)}</Chip>
        </p>
        <p>{r.reason}</p>
        <p className={classes.dim}>
          {state === 'approved' && r.until ? (
            <>
              {t('requests.until')} <RelativeTime at={r.until} />
            </>
          ) : (
            <>
              {formatDuration(r.seconds, i18n.language)} · <RelativeTime at={r.createdAt} />
            </>
          )}
          {r.decidedBy && ` · ${t('requests.decidedBy', { who: r.decidedBy.name })}`}
        </p>
        {r.note && <p>{t('requests.noted', { note: r.note })}</p>}
        <ProblemNote problem={approve.problem ?? end.problem} />
      </div>
      <div className={classes.buttons}>
        {r.mayDecide && (
          <>
            <Button
              size="sm"
              loading={approve.pending}
              onClick={() => approve.run()}
              aria-label={t('requests.approveNamed', name)}
            >
              {t('requests.approve')}
            </Button>
            <Refuse request={r} name={name} />
          </>
        )}
        {r.mayEnd && state === 'open' && (
          <Button size="sm" variant="default" loading={end.pending} onClick={() => end.run()}>
            {t('requests.withdraw')}
          </Button>
        )}
        {r.mayEnd && state === 'approved' && <End request={r} name={name} others={others} />}
      </div>
    </li>
  );
}

function Refuse({ request, name }: { request: AccessRequest; name: { what: string; who: string } }) {
  const { t } = useTranslation();
  const [asking, ask] = useDisclosure(false);
  const [note, setNote] = useState('');
  const refuse = useAction(() => refuseAccess(request.id, note.trim() || undefined), { refresh, done: ask.close });
  return (
    <>
      <Button size="sm" variant="default" onClick={ask.open} aria-label={t('requests.refuseNamed', name)}>
        {t('requests.refuse')}
      </Button>
      <Confirm
        opened={asking}
        onClose={ask.close}
        title={t('requests.refuseTitle', name)}
        verb={t('requests.refuse')}
        onConfirm={() => refuse.run()}
        pending={refuse.pending}
        problem={refuse.problem}
      >
        <Textarea
          label={t('requests.note', name)}
          value={note}
          maxLength={500}
          autosize
          minRows={2}
          onChange={(e) => setNote(e.currentTarget.value)}
        />
      </Confirm>
    </>
  );
}

type EndProps = { request: AccessRequest; name: { what: string; who: string }; others?: boolean };

function End({ request, name, others }: EndProps) {
  const { t } = useTranslation();
  const [asking, ask] = useDisclosure(false);
  const end = useAction(() => endAccess(request.id), { refresh, done: ask.close });
  return (
    <>
      <Button
        size="sm"
        variant="default"
        onClick={ask.open}
        aria-label={others ? t('requests.endNamed', name) : undefined}
      >
        {t('requests.end')}
      </Button>
      <Confirm
        opened={asking}
        onClose={ask.close}
        title={t(others ? 'requests.endTitleOf' : 'requests.endTitle', name)}
        verb={t('requests.end')}
        onConfirm={() => end.run()}
        pending={end.pending}
        problem={end.problem}
      >
        <p>{t(others ? 'requests.endWhatOf' : 'requests.endWhat', name)}</p>
      </Confirm>
    </>
  );
}
