import { Button } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { asProblem, type Problem } from '../api/problem.ts';
import { beginTotp, confirmTotp, sessionQuery } from '../api/session.ts';
import { qrCode } from '../wireguard/qr.ts';
import { CodeField } from './code-field.tsx';
import { CopyText } from './copy.tsx';
import classes from './enrol-factor.module.css';
import { ProblemNote } from './problem-note.tsx';
import { QrImage } from './qr.tsx';
import { Loading } from './states.tsx';

/** Shows the seed of an authenticator app and takes its first code. */
export function EnrolTotp({ onEnrolled }: { onEnrolled: (recoveryCodes: string[]) => void }) {
  const { t } = useTranslation();
  const begin = useBegin();

  if (begin.problem) return <ProblemNote problem={begin.problem} onRetry={begin.again} />;
  if (!begin.enrolment) return <Loading rows={4} />;

  const { secret, uri } = begin.enrolment;
  const code = qrCode(uri);
  return (
    <ol className={classes.steps}>
      <li>
        <h2>{t('enrol.step1')}</h2>
        <p>{t('enrol.step1Lead')}</p>
      </li>
      <li>
        <h2>{t('enrol.step2')}</h2>
        <div className={classes.seed}>
          {code && (
            <div className={classes.qr}>
              <QrImage code={code} label={t('enrol.qrLabel')} />
            </div>
          )}
          <div>
            <p>{t('enrol.noCamera')}</p>
            <p>
              <CopyText value={secret} label={t('enrol.secret')}>
                {groups(secret)}
              </CopyText>
            </p>
            <p>
              <a href={uri}>{t('enrol.openApp')}</a>
            </p>
          </div>
        </div>
      </li>
      <li>
        <h2>{t('enrol.step3')}</h2>
        <FirstCode onEnrolled={onEnrolled} onBeginAgain={begin.again} />
      </li>
    </ol>
  );
}

function FirstCode({ onEnrolled, onBeginAgain }: { onEnrolled: (codes: string[]) => void; onBeginAgain: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [code, setCode] = useState('');
  const confirm = useMutation({
    mutationFn: (typed: string) =>
      confirmTotp(typed).catch((err) => {
        throw asProblem(err);
      }),
    onSuccess: (done) => {
      onEnrolled(done.recoveryCodes);
      queries.setQueryData(sessionQuery().queryKey, done.session);
    },
    onError: () => setCode(''),
  });
  const problem = confirm.error as Problem | null;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (code.length === 6) confirm.mutate(code);
  };
  return (
    <form onSubmit={submit} className={classes.form}>
      <CodeField
        label={t('verify.codeLabel')}
        value={code}
        onChange={setCode}
        onComplete={confirm.mutate}
        disabled={confirm.isPending}
      />
      <ProblemNote problem={problem} onRetry={problem?.code === 'no_enrolment' ? onBeginAgain : undefined} />
      <div>
        <Button type="submit" loading={confirm.isPending} disabled={code.length !== 6}>
          {t('enrol.submit')}
        </Button>
      </div>
    </form>
  );
}

/** Begins enrolment once when the page is shown; React's double effects in development must not ask for two seeds. */
function useBegin() {
  const begin = useMutation({ mutationFn: beginTotp });
  const asked = useRef(false);
  useEffect(() => {
    if (asked.current) return;
    asked.current = true;
    begin.mutate();
  }, [begin.mutate]);
  return {
    enrolment: begin.data,
    problem: begin.error ? asProblem(begin.error) : null,
    again: () => begin.mutate(),
  };
}

/** Base32 in groups of four, easier to type. */
function groups(secret: string): string {
  return secret.replace(/(.{4})(?=.)/g, '$1 ');
}
