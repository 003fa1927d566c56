import { Button, TextInput } from '@mantine/core';
import { IconAlertTriangle, IconCircleCheck } from '@tabler/icons-react';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type AuditReport, verifyAudit } from '../../api/audit.ts';
import { useAction } from '../../ui/action.ts';
import { CopyText } from '../../ui/copy.tsx';
import { Card } from '../../ui/page.tsx';
import { ProblemNote } from '../../ui/problem-note.tsx';
import classes from './audit.module.css';

/** Proves the chain and says what it found. With an anchor of an earlier proof, also that nothing was cut off since. */
export function Proof() {
  const { t } = useTranslation();
  const [anchor, setAnchor] = useState('');
  const [report, setReport] = useState<AuditReport>();
  const verify = useAction(verifyAudit, { done: setReport });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setReport(undefined);
    verify.run(anchor.trim());
  };
  return (
    <Card>
      <h2 className={classes.title}>{t('audit.proof')}</h2>
      <form onSubmit={submit} className={classes.proof}>
        <details>
          <summary>{t('audit.withAnchor')}</summary>
          <TextInput
            mt={8}
            label={t('audit.earlier')}
            description={t('audit.earlierHint')}
            value={anchor}
            maxLength={84}
            onChange={(e) => setAnchor(e.currentTarget.value)}
            error={verify.problem?.byField().anchor}
          />
        </details>
        <Button type="submit" variant="default" loading={verify.pending}>
          {t('audit.verify')}
        </Button>
      </form>
      <div role="status" className={classes.found}>
        {report && <Found report={report} />}
      </div>
      <ProblemNote problem={verify.problem} />
    </Card>
  );
}

function Found({ report }: { report: AuditReport }) {
  const { t } = useTranslation();
  const Icon = report.whole ? IconCircleCheck : IconAlertTriangle;
  return (
    <>
      <p data-whole={report.whole}>
        <Icon size={18} aria-hidden />
        <span>
          {report.whole && t('audit.whole', { count: report.good })}
          {report.broken !== undefined && t('audit.broken', { seq: report.broken })}
          {report.anchorLost && ` ${t('audit.anchorLost')}`}
        </span>
      </p>
      {report.head && (
        <p>
          {t('audit.keep')} <CopyText value={report.head} label={t('audit.anchor')} />
        </p>
      )}
    </>
  );
}
