import { Button } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Problem } from '../api/problem.ts';
import { CopyText } from './copy.tsx';
import classes from './problem-note.module.css';
import { type ProblemCatalogue, problemText } from './problem-text.ts';

type Props = { problem: Problem | null | undefined; onRetry?: () => void; fields?: boolean };

/** What happened, why, what to do next, and the request id. `fields` lists wrong inputs too, where no form shows them. */
export function ProblemNote({ problem, onRetry, fields }: Props) {
  const { t } = useTranslation();
  if (!problem) return null;
  const { what, next } = problemText(t('problems', { returnObjects: true }) as ProblemCatalogue, problem);
  return (
    <div role="alert" className={classes.note}>
      <IconAlertTriangle size={20} aria-hidden className={classes.icon} />
      <div className={classes.words}>
        <p className={classes.what}>{what}</p>
        {next && <p>{next}</p>}
        {problem.retryAfter > 0 && <p>{t('problem.retryAfter', { count: problem.retryAfter })}</p>}
        {fields && problem.fields.length > 0 && (
          <ul>
            {problem.fields.map((f) => (
              <li key={`${f.path} ${f.code}`}>
                <code>{f.path}</code> {f.message}
              </li>
            ))}
          </ul>
        )}
        {problem.requestId && (
          <p className={classes.id}>
            {t('problem.requestId')} <CopyText value={problem.requestId} label={t('problem.requestId')} />
          </p>
        )}
        {onRetry && (
          <Button size="compact-sm" variant="default" onClick={onRetry} mt={4}>
            {t('common.tryAgain')}
          </Button>
        )}
      </div>
    </div>
  );
}
