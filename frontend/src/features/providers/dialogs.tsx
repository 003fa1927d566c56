import { useTranslation } from 'react-i18next';
import {
  deleteProvider,
  type IdentityProvider,
  identityProvidersQuery,
  updateProvider,
} from '../../api/identity-providers.ts';
import { signInQuery } from '../../api/session.ts';
import { useAction } from '../../ui/action.ts';
import { Confirm } from '../../ui/confirm.tsx';
import { say } from '../../ui/notify.ts';
import { inputOf, valuesOf } from './values.ts';

type Props = { provider: IdentityProvider; opened: boolean; onClose: () => void };

const refresh = [identityProvidersQuery().queryKey, signInQuery().queryKey, ['people'], ['audit']];

/** Takes a provider from the sign-in page, or puts it back. */
export function SwitchDialog({ provider, opened, onClose }: Props) {
  const { t } = useTranslation();
  const { name } = provider.settings;
  const on = provider.enabled;
  const toggle = useAction(
    () => updateProvider(provider.id, inputOf({ ...valuesOf(provider), enabled: !on }, provider.hasSecret)),
    {
      refresh,
      done: () => {
        onClose();
        say(t(on ? 'providers.isOff' : 'providers.isOn', { name }));
      },
    },
  );
  return (
    <Confirm
      opened={opened}
      onClose={onClose}
      title={t(on ? 'providers.disableTitle' : 'providers.enableTitle', { name })}
      verb={t(on ? 'providers.disable' : 'providers.enable')}
      harmless={!on}
      onConfirm={() => toggle.run()}
      pending={toggle.pending}
      problem={toggle.problem}
    >
      <p>{t(on ? 'providers.disableWhat' : 'providers.enableWhat')}</p>
      {on && <Ends provider={provider} />}
    </Confirm>
  );
}

export function DeleteDialog({ provider, opened, onClose, onDone }: Props & { onDone: () => void }) {
  const { t } = useTranslation();
  const { name } = provider.settings;
  const remove = useAction(() => deleteProvider(provider.id), {
    refresh,
    done: () => {
      onDone();
      say(t('providers.deleted', { name }));
    },
  });
  return (
    <Confirm
      opened={opened}
      onClose={onClose}
      title={t('providers.deleteTitle', { name })}
      verb={t('common.delete')}
      typeName={name}
      onConfirm={() => remove.run()}
      pending={remove.pending}
      problem={remove.problem}
    >
      <p>{t('providers.deleteWhat')}</p>
      <Ends provider={provider} />
    </Confirm>
  );
}

/** What it cuts. */
function Ends({ provider }: { provider: IdentityProvider }) {
  const { t } = useTranslation();
  const people = t('providers.people', { count: provider.people });
  return <p>{t('providers.ends', { count: provider.sessions, people })}</p>;
}
