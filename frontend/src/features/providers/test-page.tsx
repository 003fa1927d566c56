import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { providerTestQuery } from '../../api/identity-providers.ts';
import { Card, Page } from '../../ui/page.tsx';
import { Answer, Loading } from '../../ui/states.tsx';
import { TestResult } from './test-result.tsx';

/** Where the provider's tab ends. The form in the other tab shows the same. */
export function ProviderTestPage() {
  const { t } = useTranslation();
  const { id } = useParams({ from: '/app/settings/admin/provider-tests/$id' });
  const test = useQuery(providerTestQuery(id));
  return (
    <Page title={t('providers.testTitle')} lead={t('providers.testBack')} narrow>
      <Card>
        <Answer query={test}>{(found) => (found.done ? <TestResult test={found} /> : <Loading />)}</Answer>
      </Card>
    </Page>
  );
}
