import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Session, sessionQuery } from '../../api/session.ts';
import { EnrolFactor } from '../../ui/enrol-factor.tsx';
import { Mark } from '../../ui/mark.tsx';
import { RecoveryCodes } from '../../ui/recovery-codes.tsx';
import { Answer } from '../../ui/states.tsx';
import { VerifyFactor } from '../../ui/verify-factor.tsx';
import classes from './page.module.css';

/** What stands between sign-in and the app: enrol a second factor and keep the recovery codes, or show the factor. */
export function FactorPage() {
  const { t } = useTranslation();
  const session = useQuery(sessionQuery());
  const [codes, setCodes] = useState<string[]>();
  const leave = useLeave();

  const enrol = session.data && (session.data.stage === 'factor_enrolment' || !hasShown(session.data));
  const title = codes ? t('recovery.title') : enrol ? t('enrol.title') : t('verify.title');
  document.title = `${title} · Sallyport`;
  const enrolled = (given: string[]) => {
    if (given.length > 0) setCodes(given);
    else void leave();
  };

  return (
    <main className={classes.main}>
      <Mark size={36} />
      <Answer query={session}>
        {(s) => (
          <>
            <header className={classes.head}>
              <h1>{title}</h1>
              {codes && <p>{t('recovery.lead')}</p>}
            </header>
            {codes ? (
              <RecoveryCodes
                codes={codes}
                account={s.user.email || s.user.name}
                onSaved={leave}
                doneLabel={t('recovery.continue')}
              />
            ) : enrol ? (
              <EnrolFactor onEnrolled={enrolled} />
            ) : (
              <Verify session={s} onDone={leave} onEnrolled={enrolled} />
            )}
          </>
        )}
      </Answer>
    </main>
  );
}

/** False in a session that may be used without a second factor, within the grace or where none is asked for. */
const hasShown = (session: Session) => session.stage !== 'ready' || session.factorAt !== undefined;

type VerifyProps = { session: Session; onDone: () => void; onEnrolled: (codes: string[]) => void };

function Verify({ session, onDone, onEnrolled }: VerifyProps) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const name = session.user.name || session.user.email;
  return (
    <VerifyFactor
      intro={t('factor.signedInAs', { name })}
      none={<EnrolFactor onEnrolled={onEnrolled} />}
      onVerified={(next) => {
        queries.setQueryData(sessionQuery().queryKey, next);
        queries.removeQueries({ queryKey: ['factors'] });
        if (next.stage === 'ready') onDone(); // else a factor that is not accepted any more led to setting up another one
      }}
    />
  );
}

/** Goes to where the person wanted to be, with the session looked at anew. */
function useLeave() {
  const navigate = useNavigate();
  const queries = useQueryClient();
  const { return_to } = useSearch({ from: '/second-factor' });
  return async () => {
    await queries.fetchQuery({ ...sessionQuery(), staleTime: 0 });
    queries.removeQueries({ queryKey: ['factors'] });
    const own = return_to && /^\/(?![/\\])/.test(return_to) ? return_to : '/';
    await navigate({ to: own, replace: true });
  };
}
