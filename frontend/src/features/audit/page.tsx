import { IconHistory } from '@tabler/icons-react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { type AuditEvent, auditQuery } from '../../api/overview.ts';
import { AuditSentence } from '../../ui/audit-sentence.tsx';
import { CopyText } from '../../ui/copy.tsx';
import { Card, Page } from '../../ui/page.tsx';
import { SearchField } from '../../ui/search-field.tsx';
import { Answer, Empty, Loading, More } from '../../ui/states.tsx';
import { RelativeTime } from '../../ui/time.tsx';
import classes from './audit.module.css';

export function AuditPage() {
  const { t } = useTranslation();
  const { q } = useSearch({ from: '/app/admin/audit' });
  const navigate = useNavigate({ from: '/admin/audit' });
  const audit = useInfiniteQuery(auditQuery());
  const search = (next: string | undefined) => void navigate({ search: { q: next }, replace: true });
  return (
    <Page title={t('audit.title')} lead={t('audit.lead')}>
      <Answer query={audit} loading={<Loading rows={8} />}>
        {(data) => {
          const loaded = data.pages.flatMap((p) => p.items);
          const shown = q ? loaded.filter((e) => matches(e, q)) : loaded;
          return (
            <>
              <div className={classes.bar}>
                <SearchField label={t('audit.filter')} value={q} onChange={search} />
                <span role="status">{t('audit.shown', { shown: shown.length, loaded: loaded.length })}</span>
              </div>
              {shown.length === 0 ? (
                <Empty icon={<IconHistory size={26} stroke={1.6} />} title={q ? t('audit.noMatch') : t('audit.empty')}>
                  {q && t('audit.noMatchLead')}
                </Empty>
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

/** Looks in everything that the event says, whatever the case. */
export function matches(event: AuditEvent, q: string): boolean {
  return JSON.stringify(event).toLowerCase().includes(q.toLowerCase());
}
