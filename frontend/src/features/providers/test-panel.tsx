import { Button, Loader } from '@mantine/core';
import { IconExternalLink, IconTestPipe } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type ProviderInput, providerTestQuery, testProvider } from '../../api/identity-providers.ts';
import { asProblem, type Problem } from '../../api/problem.ts';
import { useAction } from '../../ui/action.ts';
import { Card } from '../../ui/page.tsx';
import { ProblemNote } from '../../ui/problem-note.tsx';
import classes from './providers.module.css';
import { TestResult } from './test-result.tsx';

type Begun = { test: string; redirect: string; with: string };

type Props = {
  id: string;
  input: ProviderInput;
  onBegin: () => void;
  onProblem: (problem: Problem | null) => void;
};

/** Tries what the form says before it is saved. The provider opens in another tab, so that the form stays as it is, with its secret. */
export function TestPanel({ id, input, onBegin, onProblem }: Props) {
  const { t } = useTranslation();
  const [begun, begin] = useState<Begun>();
  const now = JSON.stringify([id, input.settings, input.clientSecret]);
  const start = useAction(() => testProvider(id, input), {
    done: (made) => begin({ test: made.test ?? '', redirect: made.redirect, with: now }),
  });
  useEffect(() => onProblem(start.problem), [start.problem, onProblem]);
  return (
    <Card>
      <div className={classes.stack}>
        <div className={classes.testHead}>
          <div>
            <h2>{t('providers.test')}</h2>
            <p className={classes.dim}>{t('providers.testLead')}</p>
          </div>
          <Button
            variant="light"
            leftSection={<IconTestPipe size={16} aria-hidden />}
            loading={start.pending}
            disabled={!id || !input.settings.issuer || !input.settings.clientId}
            onClick={() => {
              onBegin();
              start.run();
            }}
          >
            {t(begun ? 'providers.testAgain' : 'providers.testBegin')}
          </Button>
        </div>
        {begun && !start.pending && <Outcome key={begun.test} begun={begun} changed={begun.with !== now} />}
      </div>
    </Card>
  );
}

function Outcome({ begun, changed }: { begun: Begun; changed: boolean }) {
  const { t } = useTranslation();
  const test = useQuery(providerTestQuery(begun.test));
  const link = useRef<HTMLAnchorElement>(null);
  const away = !begun.redirect.startsWith('/');
  useEffect(() => link.current?.focus(), []);
  if (test.error) return <ProblemNote problem={asProblem(test.error)} />;
  if (!test.data) return null;
  if (test.data.done) {
    return (
      <div className={classes.stack} aria-live="polite">
        {changed && <p className={classes.warning}>{t('providers.testChanged')}</p>}
        <TestResult test={test.data} />
      </div>
    );
  }
  if (!away) return null;
  return (
    <div className={classes.waiting} role="status">
      <Button
        component="a"
        ref={link}
        href={begun.redirect}
        target="_blank"
        rel="noopener noreferrer"
        rightSection={<IconExternalLink size={16} aria-hidden />}
      >
        {t('providers.testOpen')}
      </Button>
      <span className={classes.waitingWords}>
        <Loader size="xs" aria-hidden /> {t('providers.testWaits')}
      </span>
    </div>
  );
}
