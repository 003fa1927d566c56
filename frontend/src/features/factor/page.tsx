import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Session, sessionQuery } from '../../api/session.ts';
import { Mark } from '../../ui/mark.tsx';
import { RecoveryCodes } from '../../ui/recovery-codes.tsx';
import { Answer } from '../../ui/states.tsx';
import { VerifyFactor } from '../../ui/verify-factor.tsx';
import { EnrolTotp } from './enrol-totp.tsx';
import classes from './page.module.css';

/** What stands between sign-in and the app: enrol a second factor and keep the recovery codes, or show the factor. */
export function FactorPage() {
  const { t } = useTranslation();
  const session = useQuery(sessionQuery());
  const [codes, setCodes] = useState<string[]>();
  const leave = useLeave();

  const title = codes
    ? t('recovery.title')
    : session.data?.stage === 'factor_enrolment'
      ? t('enrol.title')
      : t('verify.title');
  document.title = `${title} · Sallyport`;

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
            ) : s.stage === 'factor_enrolment' ? (
              <EnrolTotp onEnrolled={setCodes} />
            ) : (
              <Verify session={s} onDone={leave} />
            )}
          </>
        )}
      </Answer>
    </main>
  );
}

function Verify({ session, onDone }: { session: Session; onDone: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const name = session.user.name || session.user.email;
  return (
    <VerifyFactor
      lead={t('verify.lead', { name })}
      onVerified={(next) => {
        queries.setQueryData(sessionQuery().queryKey, next);
        onDone();
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
    const own = return_to && /^\/(?![/\\])/.test(return_to) ? return_to : '/';
    await navigate({ to: own, replace: true });
  };
}
