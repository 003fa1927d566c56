import { Anchor, Button, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { asProblem, type Problem } from '../api/problem.ts';
import { type Session, verifyRecovery, verifyTotp } from '../api/session.ts';
import { CodeField } from './code-field.tsx';
import { ProblemNote } from './problem-note.tsx';
import classes from './verify-factor.module.css';

type Props = { lead: string; onVerified: (session: Session) => void };

/** Takes a code of the authenticator app, or a recovery code instead. */
export function VerifyFactor({ lead, onVerified }: Props) {
  const { t } = useTranslation();
  const [recovery, setRecovery] = useState(false);
  const [code, setCode] = useState('');
  const verify = useMutation<Session, Problem, string>({
    mutationFn: (typed) =>
      (recovery ? verifyRecovery(typed) : verifyTotp(typed)).catch((err) => {
        throw asProblem(err);
      }),
    onSuccess: onVerified,
    onError: () => setCode(''),
  });

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (code.trim()) verify.mutate(code.trim());
  };
  const swap = () => {
    setRecovery(!recovery);
    setCode('');
    verify.reset();
  };

  return (
    <form onSubmit={submit} className={classes.form}>
      <p>{recovery ? t('verify.recoveryLead') : lead}</p>
      {recovery ? (
        <TextInput
          label={t('verify.recoveryLabel')}
          value={code}
          onChange={(e) => setCode(e.currentTarget.value)}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          size="md"
          data-autofocus
          autoFocus
        />
      ) : (
        <CodeField
          label={t('verify.codeLabel')}
          value={code}
          onChange={setCode}
          onComplete={verify.mutate}
          disabled={verify.isPending}
        />
      )}
      <ProblemNote problem={verify.error} />
      <div className={classes.row}>
        <Button type="submit" loading={verify.isPending} disabled={!code.trim()}>
          {t('verify.submit')}
        </Button>
        <Anchor component="button" type="button" size="sm" onClick={swap}>
          {recovery ? t('verify.useApp') : t('verify.useRecovery')}
        </Anchor>
      </div>
    </form>
  );
}
