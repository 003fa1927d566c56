import { Button, NativeSelect, Select, Textarea } from '@mantine/core';
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
import { formatDuration } from '../../ui/format.ts';
import { Card, Page, Section } from '../../ui/page.tsx';
import { ProblemNote } from '../../ui/problem-note.tsx';
import { Answer, Empty } from '../../ui/states.tsx';
import { RelativeTime } from '../../ui/time.tsx';
import classes from './requests.module.css';

const refresh = [['requests'], ['audit'], ['rules']];

/** Access for a while: what one asks for, what one has, and what others ask of one. */
export function RequestsPage() {
  const { t } = useTranslation();
  const decide = useQuery(requestsQuery('decide'));
  const mine = useQuery(requestsQuery('mine'));
  return (
    <Page title={t('requests.title')} lead={t('requests.lead')} narrow>
      {!!decide.data?.length && (
        <Section title={t('requests.decide')}>
          <List requests={decide.data} />
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

function List({ requests }: { requests: AccessRequest[] }) {
  return (
    <Card flush>
      <ul className={classes.list}>
        {requests.map((r) => (
          <Row key={r.id} request={r} />
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

function Row({ request: r }: { request: AccessRequest }) {
  const { t, i18n } = useTranslation();
  const approve = useAction(() => approveAccess(r.id), { refresh });
  const refuse = useAction(() => refuseAccess(r.id), { refresh });
  const end = useAction(() => endAccess(r.id), { refresh });
  const name = { what: r.resource.name, who: r.person.name };
  return (
    <li>
      <div className={classes.words}>
        <p>
          <b>{r.mayDecide ? t('requests.asks', name) : r.resource.name}</b>{' '}
          <Chip tone={tones[r.state]}>{t(`requestState.${r.state}`)}</Chip>
        </p>
        <p>{r.reason}</p>
        <p className={classes.dim}>
          {r.state === 'approved' && r.until ? (
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
        <ProblemNote problem={approve.problem ?? refuse.problem ?? end.problem} />
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
            <Button
              size="sm"
              variant="default"
              loading={refuse.pending}
              onClick={() => refuse.run()}
              aria-label={t('requests.refuseNamed', name)}
            >
              {t('requests.refuse')}
            </Button>
          </>
        )}
        {r.mayEnd && (
          <Button size="sm" variant="default" loading={end.pending} onClick={() => end.run()}>
            {r.state === 'open' ? t('requests.withdraw') : t('requests.end')}
          </Button>
        )}
      </div>
    </li>
  );
}
