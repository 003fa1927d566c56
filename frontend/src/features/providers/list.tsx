import { Button, Menu } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconPlugConnected, IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useRouteContext, useSearch } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { type IdentityProvider, identityProvidersQuery } from '../../api/identity-providers.ts';
import { may } from '../../api/rights.ts';
import { Page } from '../../ui/page.tsx';
import { RowMenu } from '../../ui/row-menu.tsx';
import { Answer, Empty } from '../../ui/states.tsx';
import { DataTable } from '../../ui/table.tsx';
import { AddProvider } from './add.tsx';
import { DeleteDialog, SwitchDialog } from './dialogs.tsx';
import classes from './providers.module.css';
import { StateChip } from './state-chip.tsx';

/** The list, or with ?add= the way to one more. */
export function ProvidersPage() {
  const { session } = useRouteContext({ from: '/app' });
  const { add } = useSearch({ from: '/app/settings/admin/providers' });
  return add && may(session, 'settings.write') ? <AddProvider kind={add} /> : <ProviderList />;
}

function ProviderList() {
  const { t } = useTranslation();
  const { session } = useRouteContext({ from: '/app' });
  const providers = useQuery(identityProvidersQuery());
  const writes = may(session, 'settings.write');
  const add = writes && (
    <Button
      renderRoot={(props) => <Link to="/admin/providers" search={{ add: 'choose' }} {...props} />}
      leftSection={<IconPlus size={16} aria-hidden />}
    >
      {t('providers.add')}
    </Button>
  );
  return (
    <Page title={t('providers.title')} lead={t('providers.lead')} actions={add}>
      <Answer query={providers}>
        {(list) =>
          list.length === 0 ? (
            <Empty icon={<IconPlugConnected size={28} />} title={t('providers.noneTitle')} action={add}>
              {t('providers.noneLead')}
            </Empty>
          ) : (
            <Providers list={list} writes={writes} />
          )
        }
      </Answer>
    </Page>
  );
}

function Providers({ list, writes }: { list: IdentityProvider[]; writes: boolean }) {
  const { t } = useTranslation();
  return (
    <DataTable
      id="identity-providers"
      label={t('providers.title')}
      rows={list}
      rowKey={(p) => p.id}
      columns={[
        {
          key: 'name',
          title: t('providers.name'),
          main: true,
          cell: (p) => (
            <Link to="/admin/providers/$id" params={{ id: p.id }} className={classes.name}>
              <b>{p.settings.name}</b>
              <span>{p.settings.issuer}</span>
            </Link>
          ),
        },
        { key: 'state', title: t('providers.state'), cell: (p) => <StateChip provider={p} /> },
        {
          key: 'create',
          title: t('providers.newPeople'),
          cell: (p) => t(p.settings.create ? 'providers.created' : 'providers.knownOnly'),
        },
        {
          key: 'people',
          title: t('providers.signedIn'),
          cell: (p) => t('providers.people', { count: p.people }),
        },
      ]}
      actions={(p) => (writes && !p.fromFile ? <ProviderMenu provider={p} /> : null)}
    />
  );
}

function ProviderMenu({ provider }: { provider: IdentityProvider }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [switching, ask] = useDisclosure(false);
  const [deleting, askDelete] = useDisclosure(false);
  return (
    <>
      <RowMenu name={provider.settings.name}>
        <Menu.Item onClick={() => void navigate({ to: '/admin/providers/$id', params: { id: provider.id } })}>
          {t('providers.edit')}
        </Menu.Item>
        <Menu.Item onClick={ask.open}>{t(provider.enabled ? 'providers.disable' : 'providers.enable')}</Menu.Item>
        <Menu.Item color="red" onClick={askDelete.open}>
          {t('common.delete')}
        </Menu.Item>
      </RowMenu>
      <SwitchDialog provider={provider} opened={switching} onClose={ask.close} />
      <DeleteDialog provider={provider} opened={deleting} onClose={askDelete.close} onDone={askDelete.close} />
    </>
  );
}
