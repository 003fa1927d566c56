import { Button } from '@mantine/core';
import { IconHistory } from '@tabler/icons-react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type AuditEvent, type AuditReport, auditFile, auditQuery, verifyAudit } from '../../api/overview.ts';
import { useAction } from '../../ui/action.ts';
import { AuditSentence } from '../../ui/audit-sentence.tsx';
import { CopyText } from '../../ui/copy.tsx';
import { Card, Page } from '../../ui/page.tsx';
import { ProblemNote } from '../../ui/problem-note.tsx';
import { SearchField } from '../../ui/search-field.tsx';
import { Answer, Empty, Loading, More } from '../../ui/states.tsx';
import { RelativeTime } from '../../ui/time.tsx';
import classes from './audit.module.css';

export function AuditPage() {
  const { t } = useTranslation();
  const { q } = useSearch({ from: '/app/admin/audit' });
  const navigate = useNavigate({ from: '/admin/audit' });
  const audit = useInfiniteQuery({ ...auditQuery(50, q), placeholderData: (old) => old });
  const search = (next: string | undefined) => void navigate({ search: { q: next }, replace: true });
  return (
    <Page title={t('audit.title')} lead={t('audit.lead')} actions={<Files q={q} />}>
      <Verify />
      <Answer query={audit} loading={<Loading rows={8} />}>
        {(data) => {
          const shown = data.pages.flatMap((p) => p.items);
          return (
            <>
              <div className={classes.bar}>
                <SearchField label={t('audit.search')} value={q} onChange={search} />
              </div>
              {shown.length === 0 ? (
                <Empty
                  icon={<IconHistory size={26} stroke={1.6} />}
                  title={q ? t('audit.noMatch') : t('audit.empty')}
                />
              ) : (
                <Card flush>
                  <ol className={classes.events}>
                    {shown.map((event) => (
                      <Event key={event.seq} event={event} />
                    ))}
                  </ol>
                </Card>
              )}
              <More query={audit} />
            </>
          );
        }}
      </Answer>
    </Page>
  );
}

/** What is found, as files. */
function Files({ q }: { q: string | undefined }) {
  const { t } = useTranslation();
  return (
    <>
      <Button variant="default" component="a" href={auditFile('csv', q)} download>
        {t('audit.csv')}
      </Button>
      <Button variant="default" component="a" href={auditFile('jsonl', q)} download>
        {t('audit.jsonl')}
      </Button>
    </>
  );
}

/** The button that proves the chain, and what it found. */
function Verify() {
  const { t } = useTranslation();
  const [report, setReport] = useState<AuditReport>();
  const verify = useAction(verifyAudit, { done: setReport });
  return (
    <div className={classes.bar}>
      <Button variant="default" loading={verify.pending} onClick={() => verify.run()}>
        {t('audit.verify')}
      </Button>
      <span role="status">
        {report &&
          (report.whole ? t('audit.whole', { count: report.good }) : t('audit.broken', { seq: report.broken ?? 0 }))}
      </span>
      {report?.head && <CopyText value={report.head} label={t('audit.anchor')} />}
      <ProblemNote problem={verify.problem} />
    </div>
  );
}

function Event({ event }: { event: AuditEvent }) {
  const { t } = useTranslation();
  const details = Object.entries(event.detail);
  return (
    <li>
      <div className={classes.line}>
        <AuditSentence event={event} />
        <span className={classes.when}>
          <RelativeTime at={event.at} />
        </span>
      </div>
      <details>
        <summary>{t('audit.details', { seq: event.seq })}</summary>
        <dl className={classes.facts}>
          <Fact name={t('audit.action')} value={event.action} />
          <Fact name={t('audit.target')} value={event.target} copy />
          <Fact name={t('audit.actor')} value={event.actor} copy />
          {event.address && <Fact name={t('audit.address')} value={event.address} copy />}
          {event.requestId && <Fact name={t('problem.requestId')} value={event.requestId} copy />}
          {details.map(([key, value]) => (
            <Fact key={key} name={key} value={typeof value === 'string' ? value : JSON.stringify(value)} />
          ))}
        </dl>
      </details>
    </li>
  );
}

function Fact({ name, value, copy }: { name: string; value: string; copy?: boolean }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{copy && value ? <CopyText value={value} label={name} /> : value}</dd>
    </div>
  );
}
