import { Menu } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconArchive, IconDroplet, IconDropletOff, IconTerminal2 } from '@tabler/icons-react';
import { useState } from 'react';
import { Trans, useTranslation } from 'react-i18next';
import {
  drainGateway,
  type Enrolment,
  type Gateway,
  newEnrolment,
  retireGateway,
  undrainGateway,
} from '../../api/gateways.ts';
import { useAction } from '../../ui/action.ts';
import { Confirm } from '../../ui/confirm.tsx';
import { Command } from '../../ui/copy.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { say } from '../../ui/notify.ts';
import { RowMenu } from '../../ui/row-menu.tsx';
import { RelativeTime } from '../../ui/time.tsx';
import classes from './gateways.module.css';

const refresh = [['gateways'], ['overview'], ['profiles'], ['audit']];

export function GatewayMenu({ gateway }: { gateway: Gateway }) {
  const { t } = useTranslation();
  const [draining, drain] = useDisclosure(false);
  const [retiring, retire] = useDisclosure(false);
  const [commanding, command] = useDisclosure(false);
  const { state } = gateway;
  if (state === 'retired') return null;
  return (
    <>
      <RowMenu name={gateway.name}>
        {(state === 'active' || state === 'draining') && (
          <Menu.Item
            leftSection={
              state === 'active' ? <IconDroplet size={16} aria-hidden /> : <IconDropletOff size={16} aria-hidden />
            }
            onClick={drain.open}
          >
            {t(state === 'active' ? 'gateways.drain' : 'gateways.undrain')}
          </Menu.Item>
        )}
        <Menu.Item leftSection={<IconTerminal2 size={16} aria-hidden />} onClick={command.open}>
          {t('gateways.newCommand')}
        </Menu.Item>
        <Menu.Divider />
        <Menu.Item color="red" leftSection={<IconArchive size={16} aria-hidden />} onClick={retire.open}>
          {t('gateways.retire')}
        </Menu.Item>
      </RowMenu>
      <DrainDialog gateway={gateway} opened={draining} onClose={drain.close} />
      <RetireDialog gateway={gateway} opened={retiring} onClose={retire.close} />
      <CommandDialog gateway={gateway} opened={commanding} onClose={command.close} />
    </>
  );
}

type Props = { gateway: Gateway; opened: boolean; onClose: () => void };

function DrainDialog({ gateway, opened, onClose }: Props) {
  const { t } = useTranslation();
  const active = gateway.state === 'active';
  const run = useAction(() => (active ? drainGateway(gateway.id) : undrainGateway(gateway.id)), {
    refresh,
    done: onClose,
  });
  return (
    <Confirm
      opened={opened}
      onClose={onClose}
      title={t(active ? 'gateways.drainTitle' : 'gateways.undrainTitle', { name: gateway.name })}
      verb={t(active ? 'gateways.drain' : 'gateways.undrain')}
      harmless
      onConfirm={() => run.run()}
      pending={run.pending}
      problem={run.problem}
    >
      <p>{t(active ? 'gateways.drainWhat' : 'gateways.undrainWhat')}</p>
    </Confirm>
  );
}

function RetireDialog({ gateway, opened, onClose }: Props) {
  const { t } = useTranslation();
  const run = useAction(() => retireGateway(gateway.id), {
    refresh,
    done: () => {
      onClose();
      say(t('gateways.retired', { name: gateway.name }));
    },
  });
  return (
    <Confirm
      opened={opened}
      onClose={onClose}
      title={t('gateways.retireTitle', { name: gateway.name })}
      verb={t('gateways.retire')}
      typeName={gateway.name}
      onConfirm={() => run.run()}
      pending={run.pending}
      problem={run.problem}
    >
      <p>
        <Trans i18nKey="gateways.retireWhat" values={{ name: gateway.name }} components={{ b: <b /> }} />
      </p>
      <p>{t('devices.cuts', { count: gateway.connectedDevices })}</p>
    </Confirm>
  );
}

/** A command stops the older ones, so it is made only when the person has agreed. */
function CommandDialog({ gateway, opened, onClose }: Props) {
  const { t } = useTranslation();
  const [made, setMade] = useState<Enrolment>();
  const run = useAction(() => newEnrolment(gateway.id), { refresh, done: setMade });
  const close = () => {
    onClose();
    setMade(undefined);
    run.reset();
  };
  if (!made) {
    return (
      <Confirm
        opened={opened}
        onClose={close}
        title={t('gateways.commandTitle', { name: gateway.name })}
        verb={t('gateways.newCommand')}
        harmless
        onConfirm={() => run.run()}
        pending={run.pending}
        problem={run.problem}
      >
        <p>{t('gateways.commandWhat')}</p>
      </Confirm>
    );
  }
  return (
    <Dialog opened={opened} onClose={close} size="lg" title={t('gateways.commandTitle', { name: gateway.name })}>
      <p className={classes.lead}>{t('gateways.paste')}</p>
      <Command text={made.command} />
      <p className={classes.lead}>
        {t('gateways.commandEnds')} <RelativeTime at={made.expiresAt} />
      </p>
    </Dialog>
  );
}
