import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { Platform } from '../api/devices.ts';
import { type CheckResult, type DevicePosture, devicePostureQuery } from '../api/posture.ts';
import { Chip } from './chip.tsx';
import { Dialog } from './dialog.tsx';
import classes from './posture.module.css';
import { factName, stepsFor, valueText } from './posture-words.ts';
import { Answer } from './states.tsx';
import { RelativeTime } from './time.tsx';

type Props = { device: { id: string; name: string; platform: Platform }; onClose: () => void };

/** What is asked of a device, what it does not pass and how to fix that, and every fact that is kept of it. Load it with its texts. */
export function PostureDialog({ device, onClose }: Props) {
  const { t } = useTranslation();
  const posture = useQuery(devicePostureQuery(device.id));
  return (
    <Dialog opened onClose={onClose} title={t('posture.title', { name: device.name })} size="lg">
      <Answer query={posture}>{(view) => <View view={view} platform={device.platform} />}</Answer>
      <footer className={classes.foot}>
        {posture.dataUpdatedAt > 0 && (
          <span role="status">
            {t('posture.checked')} <RelativeTime at={new Date(posture.dataUpdatedAt).toISOString()} />
          </span>
        )}
        <Button variant="default" loading={posture.isFetching} onClick={() => void posture.refetch()}>
          {t('posture.again')}
        </Button>
      </footer>
    </Dialog>
  );
}

function View({ view, platform }: { view: DevicePosture; platform: Platform }) {
  const { t } = useTranslation();
  const open = view.checks.filter((c) => c.outcome !== 'passes');
  const passed = view.checks.filter((c) => c.outcome === 'passes');
  return (
    <div className={classes.view}>
      <p>{view.checks.length === 0 ? t('posture.nothing') : t(`posture.lead.${view.level}`)}</p>
      {open.length > 0 && (
        <section>
          <h3>{t('posture.failing')}</h3>
          <ul className={classes.checks}>
            {open.map((check) => (
              <li key={check.id}>
                <Check check={check} platform={platform} />
              </li>
            ))}
          </ul>
          {view.level !== 'full' && <p className={classes.hint}>{t('posture.back')}</p>}
        </section>
      )}
      {passed.length > 0 && (
        <section>
          <h3>{t('posture.passed')}</h3>
          <ul className={classes.passed}>
            {passed.map((check) => (
              <li key={check.id}>
                <Chip tone="good">{t('posture.outcome.passes')}</Chip> {check.name}
              </li>
            ))}
          </ul>
        </section>
      )}
      <Facts view={view} />
    </div>
  );
}

function Check({ check, platform }: { check: CheckResult; platform: Platform }) {
  const { t } = useTranslation();
  const steps = stepsFor(check.fact, platform);
  const silent = check.reason === 'silent' || check.reason === 'never_said' || check.reason === 'expired';
  return (
    <>
      <div className={classes.checkHead}>
        <b>{check.name}</b>
        <Outcome check={check} />
      </div>
      <p>
        {check.reason && t(`posture.reason.${check.reason}`)} {t('posture.rule')}: <code>{check.rule}</code>
        {check.seen && (
          <>
            {' '}
            · {t('posture.seen')}: {valueText(t, check.seen)}
          </>
        )}
        {check.since && (
          <>
            {' '}
            · {t('posture.since')} <RelativeTime at={check.since} />
          </>
        )}
      </p>
      {check.help && <p>{check.help}</p>}
      {silent ? <p>{t('posture.silentHelp')}</p> : steps && <p>{t(steps)}</p>}
    </>
  );
}

/** What a check does to the device now, or from when on. */
export function Outcome({ check }: { check: Pick<CheckResult, 'does' | 'outcome' | 'until' | 'reportOnly'> }) {
  const { t } = useTranslation();
  if (check.outcome !== 'fails') {
    return (
      <Chip tone={check.outcome === 'passes' ? 'good' : 'plain'}>
        {t(`posture.outcome.${check.outcome}`)} {check.until && <RelativeTime at={check.until} />}
      </Chip>
    );
  }
  if (check.reportOnly) return <Chip tone="plain">{t('posture.reportOnly')}</Chip>;
  return <Chip tone={check.does === 'block' ? 'bad' : 'warn'}>{t(`posture.does.${check.does ?? 'none'}`)}</Chip>;
}

function Facts({ view }: { view: DevicePosture }) {
  const { t } = useTranslation();
  return (
    <section>
      <h3>{t('posture.facts')}</h3>
      <p className={classes.hint}>{view.facts.length > 0 ? t('posture.factsLead') : t('posture.noFacts')}</p>
      <dl className={classes.facts}>
        {view.facts.map((fact) => (
          <div key={`${fact.source} ${fact.by} ${fact.name}`}>
            <dt>{factName(t, fact.name)}</dt>
            <dd>
              {fact.known ? valueText(t, fact.value) : t('posture.unknownFact', { why: fact.why })}
              <small>
                {fact.known && fact.why && `${fact.why} · `}
                {t('posture.from', { by: fact.by || t('posture.byAdmin') })}, <RelativeTime at={fact.at} />
                {fact.expiresAt && (
                  <>
                    , {t('posture.expires')} <RelativeTime at={fact.expiresAt} />
                  </>
                )}
              </small>
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
