import { useQuery } from '@tanstack/react-query';
import { useRouteContext } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { personIdentitiesQuery, unlinkPersonIdentity } from '../../api/identity-providers.ts';
import { may } from '../../api/rights.ts';
import { ConnectedAccounts } from '../../ui/connected-accounts.tsx';
import { Section } from '../../ui/page.tsx';
import { Answer } from '../../ui/states.tsx';

/** By which accounts somebody signs in. Nobody disconnects their own here: that is done under My security. */
export function PersonAccounts({ id }: { id: string }) {
  const { t } = useTranslation();
  const { session } = useRouteContext({ from: '/app' });
  const accounts = useQuery(personIdentitiesQuery(id));
  const writes = may(session, 'people.write') && session.user.id !== id;
  return (
    <Section title={t('accounts.title')} lead={t('accounts.leadOther')}>
      <Answer query={accounts}>
        {(list) => (
          <ConnectedAccounts
            list={list}
            unlink={writes ? (identity) => unlinkPersonIdentity(id, identity) : undefined}
            what={t('accounts.removeWhatOther')}
            refresh={[['people']]}
          />
        )}
      </Answer>
    </Section>
  );
}
