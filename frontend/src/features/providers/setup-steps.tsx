import { useTranslation } from 'react-i18next';
import { CopyText } from '../../ui/copy.tsx';
import { Card } from '../../ui/page.tsx';
import { facts, type Preset } from './presets.ts';
import classes from './providers.module.css';
import { addresses } from './values.ts';

/** What to do at the provider, with the addresses to register there. */
export function SetupSteps({ preset, id }: { preset: Preset; id: string }) {
  const { t } = useTranslation();
  const { name, backChannel } = facts[preset];
  const steps = t(`providerSetup.${preset}`, { returnObjects: true }) as string[];
  return (
    <Card>
      <div className={classes.stack}>
        <h2>{t('providers.setup', { name: name || t('providers.theProvider') })}</h2>
        <ol className={classes.steps}>
          {steps.map((s) => (
            <li key={s}>{s}</li>
          ))}
        </ol>
        <h3>{t('providers.addresses')}</h3>
        {id ? <Addresses id={id} backChannel={backChannel} /> : <p className={classes.dim}>{t('providers.needsId')}</p>}
      </div>
    </Card>
  );
}

function Addresses({ id, backChannel }: { id: string; backChannel: boolean }) {
  const { t } = useTranslation();
  const to = addresses(location.origin, id);
  const line = (label: string, value: string) => (
    <>
      <dt>{label}</dt>
      <dd>
        <CopyText value={value} label={label} />
      </dd>
    </>
  );
  return (
    <dl className={classes.addresses}>
      {line(t('providers.redirectUri'), to.redirect)}
      {line(t('providers.afterSignOut'), to.afterSignOut)}
      {backChannel ? (
        line(t('providers.backChannel'), to.backChannel)
      ) : (
        <>
          <dt>{t('providers.backChannel')}</dt>
          <dd>{t('providers.noBackChannel')}</dd>
        </>
      )}
    </dl>
  );
}
