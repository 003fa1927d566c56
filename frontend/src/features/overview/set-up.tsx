import { Button } from '@mantine/core';
import { IconCircle, IconCircleCheckFilled } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link, useRouteContext } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { identityProvidersQuery } from '../../api/identity-providers.ts';
import { overviewQuery } from '../../api/overview.ts';
import { rulesQuery } from '../../api/policy.ts';
import { profilesQuery } from '../../api/profiles.ts';
import { may } from '../../api/rights.ts';
import { Card, Section } from '../../ui/page.tsx';
import classes from './set-up.module.css';
import { type Done, stepsOf } from './steps.ts';

/** What a new portal still lacks, in the order in which it is done. Nothing once all of it is there, and nothing for who can do none of it. */
export function SetUp() {
  const { t } = useTranslation();
  const done = useDone();
  if (!done) return null;
  const steps = stepsOf(done);
  if (steps.every((step) => step.done)) return null;
  const next = steps.find((step) => !step.done);
  return (
    <Section title={t('setUp.title')} lead={t('setUp.lead')}>
      <Card flush>
        <ol className={classes.steps}>
          {steps.map((step) => (
            <li key={step.key} data-done={step.done || undefined} aria-current={step === next ? 'step' : undefined}>
              {step.done ? <IconCircleCheckFilled size={22} aria-hidden /> : <IconCircle size={22} aria-hidden />}
              <span className={classes.words}>
                <b>{t(`setUp.${step.key}`)}</b>
                <span>{step.done ? t('setUp.done') : t(`setUp.${step.key}Lead`)}</span>
              </span>
              {!step.done && (
                <Button
                  component={Link}
                  to={step.to}
                  size="xs"
                  variant={step === next ? 'filled' : 'default'}
                  aria-label={`${t(`setUp.${step.key}Do`)}: ${t(`setUp.${step.key}`)}`}
                >
                  {t(`setUp.${step.key}Do`)}
                </Button>
              )}
            </li>
          ))}
        </ol>
      </Card>
    </Section>
  );
}

/** What is there already. Undefined until all of it is known. */
function useDone(): Done | undefined {
  const { session } = useRouteContext({ from: '/app' });
  const sees = may(session, 'settings.write') && may(session, 'gateways.write') && may(session, 'access.write');
  const overview = useQuery({ ...overviewQuery(), enabled: sees });
  const providers = useQuery({ ...identityProvidersQuery(), enabled: sees });
  const profiles = useQuery({ ...profilesQuery('all'), enabled: sees });
  const rules = useQuery({ ...rulesQuery(), enabled: sees });
  if (!overview.data || !providers.data || !profiles.data || !rules.data) return undefined;
  return {
    provider: providers.data.some((p) => p.enabled),
    gateway: overview.data.gatewaysOnline > 0,
    profile: profiles.data.length > 0,
    rule: rules.data.some((r) => r.action === 'allow'),
    device: overview.data.devices > 0,
  };
}
