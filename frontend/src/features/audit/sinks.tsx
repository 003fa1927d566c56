import { IconAlertTriangle, IconCircleCheck, IconHourglass } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { type AuditSink, auditSinksQuery } from '../../api/audit.ts';
import { Chip } from '../../ui/chip.tsx';
import { Card } from '../../ui/page.tsx';
import { Answer } from '../../ui/states.tsx';
import { RelativeTime } from '../../ui/time.tsx';
import classes from './audit.module.css';

/** Where the trail is sent to (syslog, HTTP), how far each receiver has got, and what keeps it. */
export function Sinks() {
  const { t } = useTranslation();
  const sinks = useQuery(auditSinksQuery());
  return (
    <Card>
      <h2 className={classes.title}>{t('auditSinks.title')}</h2>
      <Answer query={sinks}>
        {({ items }) =>
          items.length === 0 ? (
            <p className={classes.none}>{t('auditSinks.none')}</p>
          ) : (
            <ul className={classes.sinks}>
              {items.map((sink) => (
                <Sink key={sink.name} sink={sink} />
              ))}
            </ul>
          )
        }
      </Answer>
    </Card>
  );
}

function Sink({ sink }: { sink: AuditSink }) {
  const { t } = useTranslation();
  return (
    <li>
      <div className={classes.line}>
        <b>{sink.name}</b>
        <State sink={sink} />
      </div>
      <p>
        {t('auditSinks.has', { seq: sink.seq })}
        {sink.lag > 0 && ` · ${t('auditSinks.lag', { count: sink.lag })}`}
        {sink.lag > 0 && sink.behindSince && (
          <>
            {' '}
            {t('auditSinks.since')} <RelativeTime at={sink.behindSince} />
          </>
        )}
      </p>
      {sink.sentAt && (
        <p>
          {t('auditSinks.sent')} <RelativeTime at={sink.sentAt} />
        </p>
      )}
      {sink.problem && (
        <p className={classes.problem} lang="en">
          {sink.problem}
        </p>
      )}
      {sink.problem && sink.configured && <p>{t('auditSinks.retry')}</p>}
    </li>
  );
}

function State({ sink }: { sink: AuditSink }) {
  const { t } = useTranslation();
  if (!sink.configured) return <Chip tone="plain">{t('auditSinks.off')}</Chip>;
  if (sink.problem) {
    return (
      <Chip tone="bad" icon={IconAlertTriangle}>
        {t('auditSinks.failing')}
      </Chip>
    );
  }
  if (sink.lag > 0) {
    return (
      <Chip tone="warn" icon={IconHourglass}>
        {t('auditSinks.behind')}
      </Chip>
    );
  }
  return (
    <Chip tone="good" icon={IconCircleCheck}>
      {t('auditSinks.upToDate')}
    </Chip>
  );
}
