import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { personFactorsQuery } from '../../api/people.ts';
import { Answer } from '../../ui/states.tsx';
import { RelativeTime } from '../../ui/time.tsx';
import classes from './people.module.css';

/** What a person has set up as second factors. Names and times only: an admin resets, and sees no more. */
export function PersonFactors({ id }: { id: string }) {
  const { t } = useTranslation();
  const factors = useQuery(personFactorsQuery(id));
  return (
    <Answer query={factors}>
      {({ passkeys, totp, recoveryCodesLeft }) => {
        const all = [...passkeys, ...totp];
        if (all.length === 0) return <p>{t('people.noFactors')}</p>;
        return (
          <ul className={classes.factors}>
            {all.map((f) => (
              <li key={f.id}>
                <b className={classes.factor}>
                  {f.name || t(f.kind === 'passkey' ? 'factor.kind.passkey' : 'factor.kind.totp')}
                </b>{' '}
                <span className={classes.factorFacts}>
                  {f.name && `${t(f.kind === 'passkey' ? 'factor.kind.passkey' : 'factor.kind.totp')} · `}
                  {t('security.since')} <RelativeTime at={f.confirmedAt} />
                  {f.usedAt && (
                    <>
                      {' · '}
                      {t('factor.used')} <RelativeTime at={f.usedAt} />
                    </>
                  )}
                </span>
              </li>
            ))}
            <li>
              <span className={classes.factorFacts}>{t('people.codesLeft', { count: recoveryCodesLeft })}</span>
            </li>
          </ul>
        );
      }}
    </Answer>
  );
}
