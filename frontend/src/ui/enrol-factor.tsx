import { Anchor, Button } from '@mantine/core';
import { IconFingerprint } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { passkeysHere } from '../api/passkey.ts';
import { asProblem, type Problem } from '../api/problem.ts';
import { addPasskey, type FactorKind, sessionQuery, waysQuery } from '../api/session.ts';
import classes from './enrol-factor.module.css';
import { EnrolTotp } from './enrol-totp.tsx';
import { ProblemNote } from './problem-note.tsx';
import { Answer } from './states.tsx';
import { describeBrowser } from './user-agent.ts';

type Props = { onEnrolled: (recoveryCodes: string[]) => void };

/** Sets up the first second factor: a passkey where browser and portal can, else an authenticator app. */
export function EnrolFactor({ onEnrolled }: Props) {
  const ways = useQuery(waysQuery());
  return <Answer query={ways}>{(w) => <Choice kinds={w.enrol} onEnrolled={onEnrolled} />}</Answer>;
}

function Choice({ kinds, onEnrolled }: Props & { kinds: FactorKind[] }) {
  const { t } = useTranslation();
  const can = kinds.includes('passkey') && (passkeysHere() || !kinds.includes('totp'));
  const [app, setApp] = useState(!can);
  if (app) {
    return (
      <>
        <EnrolTotp onEnrolled={onEnrolled} />
        {can && (
          <Anchor component="button" type="button" size="sm" ta="left" onClick={() => setApp(false)}>
            {t('factor.passkeyInstead')}
          </Anchor>
        )}
      </>
    );
  }
  return (
    <div className={classes.choice}>
      <EnrolPasskey onEnrolled={onEnrolled} />
      {kinds.includes('totp') && (
        <Anchor component="button" type="button" size="sm" onClick={() => setApp(true)}>
          {t('factor.appInstead')}
        </Anchor>
      )}
    </div>
  );
}

function EnrolPasskey({ onEnrolled }: Props) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const add = useMutation({
    mutationFn: () =>
      addPasskey(passkeyName()).catch((err) => {
        throw asProblem(err);
      }),
    onSuccess: (done) => {
      onEnrolled(done.recoveryCodes);
      queries.setQueryData(sessionQuery().queryKey, done.session);
    },
  });
  return (
    <>
      <p>{t('factor.passkeyLead')}</p>
      <ul className={classes.points}>
        <li>{t('factor.passkeyPoint1')}</li>
        <li>{t('factor.passkeyPoint2')}</li>
      </ul>
      <ProblemNote problem={add.error as Problem | null} />
      <Button
        leftSection={<IconFingerprint size={18} aria-hidden />}
        loading={add.isPending}
        onClick={() => add.mutate()}
        autoFocus
      >
        {t('factor.makePasskey')}
      </Button>
    </>
  );
}

/** What a passkey is called until its person finds a better name. */
export function passkeyName(): string {
  const what = describeBrowser(navigator.userAgent);
  return [what?.system, what?.browser].filter(Boolean).join(' · ') || 'Passkey';
}
