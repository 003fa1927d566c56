import { IconAlertTriangle, IconBan, IconCheck } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { ProviderTest } from '../../api/identity-providers.ts';
import { Chip } from '../../ui/chip.tsx';
import classes from './providers.module.css';
import { reasonKey } from './reasons.ts';

/** What a test came to: who it would be, what they would get, and the claims that it is made of. */
export function TestResult({ test }: { test: ProviderTest }) {
  const { t } = useTranslation();
  const reason = test.reason ? t(`providerReason.${reasonKey(test.reason)}`) : '';
  if (test.outcome === 'failed' || !test.outcome) {
    return (
      <div className={classes.stack}>
        <p className={classes.outcome}>
          <Chip tone="bad" icon={IconAlertTriangle}>
            {t('providers.testFailed')}
          </Chip>{' '}
          {reason}
        </p>
        {test.cause && <pre className={classes.cause}>{test.cause}</pre>}
      </div>
    );
  }
  const refused = test.outcome === 'refused';
  return (
    <div className={classes.stack}>
      <p className={classes.outcome}>
        <Chip tone={refused ? 'warn' : 'good'} icon={refused ? IconBan : IconCheck}>
          {t(refused ? 'providers.testRefused' : 'providers.testGood')}
        </Chip>{' '}
        {refused ? reason : t(test.outcome === 'created' ? 'providers.wouldCreate' : 'providers.wouldBe')}
        {test.personId && (
          <>
            {' '}
            <Link to="/admin/people/$id" params={{ id: test.personId }}>
              {test.personName || test.personId}
            </Link>
          </>
        )}
      </p>
      <dl className={classes.facts}>
        <Fact name={t('providers.factName')}>{test.name || t('providers.notSaid')}</Fact>
        <Fact name={t('providers.factEmail')}>
          {test.email ? (
            <>
              {test.email}{' '}
              <span className={classes.dim}>
                {t(test.emailVerified ? 'providers.verified' : 'providers.notVerified')}
              </span>
            </>
          ) : (
            t('providers.notSaid')
          )}
        </Fact>
        <Fact name={t('providers.factSubject')}>
          <code>{test.subject}</code>
        </Fact>
        <Fact name={t('providers.factGroups')}>
          {test.groups && test.groups.length > 0
            ? test.groups.join(', ')
            : t(test.groupsSaid ? 'providers.groupsEmpty' : 'providers.groupsNotSaid')}
        </Fact>
        <Fact name={t('providers.factRole')}>{test.role && t(`role.${test.role}`)}</Fact>
        <Fact name={t('providers.factFactor')}>
          {t(test.factor ? 'providers.factorCounts' : 'providers.factorOurs')}
        </Fact>
      </dl>
      <Claims claims={test.claims ?? {}} />
    </div>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Claims({ claims }: { claims: Record<string, unknown> }) {
  const { t } = useTranslation();
  const names = Object.keys(claims).sort();
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a wide table scrolls, and must by keyboard too
    <section className={classes.claims} aria-label={t('providers.claims')} tabIndex={0}>
      <table>
        <caption>{t('providers.claims')}</caption>
        <tbody>
          {names.map((name) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>{JSON.stringify(claims[name])}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
