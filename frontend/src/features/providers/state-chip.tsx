import { useTranslation } from 'react-i18next';
import type { IdentityProvider } from '../../api/identity-providers.ts';
import { Chip } from '../../ui/chip.tsx';
import classes from './providers.module.css';

export function StateChip({ provider }: { provider: IdentityProvider }) {
  const { t } = useTranslation();
  return (
    <span className={classes.chips}>
      <Chip tone={provider.enabled ? 'good' : 'plain'}>
        {t(provider.enabled ? 'providers.enabled' : 'providers.disabled')}
      </Chip>
      {provider.fromFile && <Chip tone="plain">{t('providers.fromFile')}</Chip>}
    </span>
  );
}
