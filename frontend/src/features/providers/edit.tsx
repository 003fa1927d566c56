import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { identityProvidersQuery } from '../../api/identity-providers.ts';
import { Page } from '../../ui/page.tsx';
import { Answer, Empty } from '../../ui/states.tsx';
import { ProviderForm } from './form.tsx';
import { StateChip } from './state-chip.tsx';

export function ProviderPage() {
  const { t } = useTranslation();
  const { id } = useParams({ from: '/app/settings/admin/providers/$id' });
  const providers = useQuery(identityProvidersQuery());
  const found = providers.data?.find((p) => p.id === id);
  return (
    <Page title={found?.settings.name ?? t('providers.title')} actions={found && <StateChip provider={found} />}>
      <Answer query={providers}>
        {() =>
          found ? (
            <ProviderForm key={id} provider={found} />
          ) : (
            <Empty title={t('problems.not_found.what')}>{t('problems.not_found.next')}</Empty>
          )
        }
      </Answer>
    </Page>
  );
}
