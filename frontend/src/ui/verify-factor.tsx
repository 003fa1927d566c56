import { Anchor, Button, TextInput } from '@mantine/core';
import { IconFingerprint } from '@tabler/icons-react';
import { useMutation, useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { passkeysHere } from '../api/passkey.ts';
import { asProblem, type Problem } from '../api/problem.ts';
import { type FactorKind, type Session, verifyPasskey, verifyRecovery, verifyTotp, waysQuery } from '../api/session.ts';
import { CodeField } from './code-field.tsx';
import { ProblemNote } from './problem-note.tsx';
import { Answer } from './states.tsx';
import classes from './verify-factor.module.css';

type Props = {
  intro?: string; // who is signed in, or why it is asked for
  onVerified: (session: Session) => void;
  none: React.ReactNode; // instead, where the person has no factor
};

/** Takes the second factor: a passkey first, else a code of the authenticator app, or a recovery code. */
export function VerifyFactor({ intro, onVerified, none }: Props) {
  const ways = useQuery(waysQuery());
  return (
    <Answer query={ways}>
      {(w) => {
        const usable = w.show.filter((kind) => kind !== 'passkey' || passkeysHere());
        if (w.show.length === 0) return none;
        return <Ways kinds={usable.length > 0 ? usable : w.show} intro={intro} onVerified={onVerified} />;
      }}
    </Answer>
  );
}

type WaysProps = { kinds: FactorKind[]; intro?: string; onVerified: (session: Session) => void };

function Ways({ kinds, intro, onVerified }: WaysProps) {
  const { t } = useTranslation();
  const [chosen, choose] = useState<FactorKind>();
  const [code, setCode] = useState('');
  const kind = chosen ?? kinds[0] ?? 'totp';
  const verify = useMutation<Session, Problem, string>({
    mutationFn: (typed) =>
      show(kind, typed).catch((err) => {
        throw asProblem(err);
      }),
    onSuccess: onVerified,
    onError: () => setCode(''),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (kind === 'passkey' || code.trim()) verify.mutate(code.trim());
  };
  const swap = (to: FactorKind) => {
    choose(to);
    setCode('');
    verify.reset();
  };
  return (
    <form onSubmit={submit} className={classes.form}>
      <p>
        {intro} {t(`factor.lead.${kind}`)}
      </p>
      {kind === 'recovery' && (
        <TextInput
          key="recovery"
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
      )}
      {kind === 'totp' && (
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
        {kind === 'passkey' ? (
          <Button
            type="submit"
            leftSection={<IconFingerprint size={18} aria-hidden />}
            loading={verify.isPending}
            data-autofocus
            autoFocus
          >
            {t('factor.usePasskey')}
          </Button>
        ) : (
          <Button type="submit" loading={verify.isPending} disabled={!code.trim()}>
            {t('verify.submit')}
          </Button>
        )}
        {kinds
          .filter((other) => other !== kind)
          .map((other) => (
            <Anchor key={other} component="button" type="button" size="sm" onClick={() => swap(other)}>
              {t(`factor.instead.${other}`)}
            </Anchor>
          ))}
      </div>
    </form>
  );
}

function show(kind: FactorKind, code: string): Promise<Session> {
  switch (kind) {
    case 'passkey':
      return verifyPasskey();
    case 'totp':
      return verifyTotp(code);
    case 'recovery':
      return verifyRecovery(code);
  }
}
