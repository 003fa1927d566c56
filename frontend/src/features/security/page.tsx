import { useTranslation } from 'react-i18next';
import { Page } from '../../ui/page.tsx';
import { AccountSection } from './accounts.tsx';
import { FactorSection } from './factors.tsx';
import { SessionSection } from './sessions.tsx';
import { TokenSection } from './tokens.tsx';

export function SecurityPage() {
  const { t } = useTranslation();
  return (
    <Page title={t('security.title')} lead={t('security.lead')} narrow>
      <FactorSection />
      <AccountSection />
      <SessionSection />
      <TokenSection />
    </Page>
  );
}
