import { Button } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { AuditEvent } from '../../api/audit.ts';
import { AuditSentence } from '../../ui/audit-sentence.tsx';
import { CopyText } from '../../ui/copy.tsx';
import { RelativeTime } from '../../ui/time.tsx';
import classes from './audit.module.css';
import type { AuditSearch } from './filter.ts';

type Props = { event: AuditEvent; onNarrow: (part: AuditSearch) => void };

/** One event: a sentence, and on request all that the trail keeps of it. */
export function Event({ event, onNarrow }: Props) {
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
        <div className={classes.bar}>
          <Button variant="subtle" size="compact-sm" onClick={() => onNarrow({ actor: event.actor })}>
            {t('audit.onlyActor')}
          </Button>
          {event.target && (
            <Button variant="subtle" size="compact-sm" onClick={() => onNarrow({ target: event.target })}>
              {t('audit.onlyTarget')}
            </Button>
          )}
        </div>
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
