import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { Page } from '../../ui/page.tsx';
import { ProviderForm } from './form.tsx';
import { facts, presetOf, presets } from './presets.ts';
import classes from './providers.module.css';

/** Adds a provider: first which kind, then its settings with the steps of that kind beside them. */
export function AddProvider({ kind }: { kind: string }) {
  const { t } = useTranslation();
  const preset = presetOf(kind);
  if (preset) {
    return (
      <Page title={preset === 'other' ? t('providers.addOther') : t('providers.addOf', { name: facts[preset].name })}>
        <ProviderForm key={preset} preset={preset} />
      </Page>
    );
  }
  return (
    <Page title={t('providers.add')} lead={t('providers.addLead')} narrow>
      <ul className={classes.kinds} aria-label={t('providers.kind')}>
        {presets.map((p) => (
          <li key={p}>
            <Link to="/admin/providers" search={{ add: p }}>
              <b>{facts[p].name || t('providers.other')}</b>
              <span>{t(`providerKind.${p}`)}</span>
            </Link>
          </li>
        ))}
      </ul>
    </Page>
  );
}
