import { Button } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Device, deviceQuery, replaceCertificate, replaceKey } from '../../api/devices.ts';
import { makeRequest } from '../../openvpn/request.ts';
import { useAction } from '../../ui/action.ts';
import { OutdatedReasons } from '../../ui/outdated.tsx';
import { Card, Page } from '../../ui/page.tsx';
import { ProblemNote } from '../../ui/problem-note.tsx';
import { Answer } from '../../ui/states.tsx';
import { makeKeyPair } from '../../wireguard/keypair.ts';
import { deliveryOf } from '../../wireguard/platform.ts';
import { CertificateFacts } from './certificate.tsx';
import { CommandDelivery } from './command-delivery.tsx';
import classes from './file.module.css';
import { FileDelivery } from './file-delivery.tsx';
import { type Fresh, forget, freshOf, keepFresh } from './fresh.ts';
import { LeaveGuard } from './leave-guard.tsx';
import { KeepKey } from './new-file.tsx';
import { OpenVPNDelivery } from './openvpn-delivery.tsx';
import { ScanDelivery } from './scan-delivery.tsx';
import { StepBar } from './step-bar.tsx';
import { Waiting } from './waiting.tsx';

const askEvery = 3_000; // ms; beside the event stream, for the one page where somebody waits

/** The last step: the file in the form that fits the platform, and the wait for the first handshake. */
export function DeviceFilePage() {
  const { t } = useTranslation();
  const { id } = useParams({ from: '/app/devices/$id/file' });
  const device = useQuery({ ...deviceQuery(id), refetchInterval: askEvery });
  const [fresh, setFresh] = useState(() => freshOf(id));

  const keep = (next: Fresh) => {
    keepFresh(id, next);
    setFresh(next);
  };
  return (
    <Page title={device.data ? t('file.title', { name: device.data.name }) : undefined} narrow>
      <Answer query={device}>
        {(d) => (fresh ? <Deliver device={d} fresh={fresh} onFresh={keep} /> : <NoKey device={d} onFresh={keep} />)}
      </Answer>
    </Page>
  );
}

type Props = { device: Device; fresh: Fresh; onFresh: (fresh: Fresh) => void };

function Deliver({ device, fresh, onFresh }: Props) {
  const { t } = useTranslation();
  const saved = () => onFresh({ ...fresh, saved: true });
  const connected = isConnected(device);
  return (
    <div className={classes.page}>
      {fresh.steps && <StepBar step={fresh.steps - 1} count={fresh.steps} />}
      <Waiting device={device} connected={connected} />
      <Delivery device={device} fresh={fresh} onSaved={saved} />
      <p className={classes.note}>{t('file.onlyHere')}</p>
      <div className={classes.buttons}>
        <NewKey device={device} onFresh={onFresh} variant="default" />
        <Button component={Link} to="/">
          {t('common.done')}
        </Button>
      </div>
      <LeaveGuard armed={!fresh.saved && !connected} onLeave={() => forget(device.id)} />
    </div>
  );
}

function Delivery({ device, fresh, onSaved }: { device: Device; fresh: Fresh; onSaved: () => void }) {
  const { privateKey } = fresh;
  const { platform } = device;
  if ('file' in fresh) {
    return <OpenVPNDelivery file={fresh.file} privateKey={privateKey} platform={platform} onSaved={onSaved} />;
  }
  const { config } = fresh;
  switch (deliveryOf(platform)) {
    case 'scan':
      return <ScanDelivery config={config} privateKey={privateKey} platform={platform} onSaved={onSaved} />;
    case 'file':
      return <FileDelivery config={config} privateKey={privateKey} platform={platform} onSaved={onSaved} />;
    case 'command':
      return <CommandDelivery config={config} privateKey={privateKey} deviceId={device.id} onSaved={onSaved} />;
  }
}

/** The key was made in another tab or has been left behind: it cannot be shown again, so a new one is offered. */
function NoKey({ device, onFresh }: { device: Device; onFresh: (fresh: Fresh) => void }) {
  const { t } = useTranslation();
  return (
    <Card>
      <div className={classes.noKey}>
        {device.outdated.length > 0 ? (
          <>
            <h2>{t('outdated.title')}</h2>
            <p>
              {t('outdated.lead')} <OutdatedReasons reasons={device.outdated} />. {t('outdated.until')}
            </p>
          </>
        ) : (
          <h2>{t('file.noKeyTitle')}</h2>
        )}
        <p>{t('file.noKeyLead')}</p>
        {device.certificate && <CertificateFacts certificate={device.certificate} />}
        <p>{device.status === 'connected' ? t('file.noKeyCuts') : t('file.noKeyCutsNone')}</p>
        <div className={classes.buttons}>
          <Button component={Link} to="/" variant="default">
            {t('common.cancel')}
          </Button>
          <NewKey device={device} onFresh={onFresh} variant="filled" />
        </div>
        {device.outdated.length > 0 && <KeepKey device={device} />}
      </div>
    </Card>
  );
}

type NewKeyProps = { device: Device; onFresh: (fresh: Fresh) => void; variant: 'default' | 'filled' };

function NewKey({ device, onFresh, variant }: NewKeyProps) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const make = async () => {
    if (device.protocol === 'openvpn') {
      const { privateKey, csr } = await makeRequest();
      return { ...(await replaceCertificate(device.id, csr)), privateKey };
    }
    const { privateKey, publicKey } = await makeKeyPair();
    return { ...(await replaceKey(device.id, publicKey)), privateKey };
  };
  const renew = useAction(make, {
    refresh: [['devices']],
    done: ({ device: renewed, ...made }) => {
      queries.setQueryData(deviceQuery(device.id).queryKey, renewed);
      onFresh({ ...made, saved: false });
    },
  });
  return (
    <div>
      <Button variant={variant} loading={renew.pending} onClick={() => renew.run()}>
        {t(device.certificate ? 'openvpn.renew' : 'file.newKey')}
      </Button>
      <ProblemNote problem={renew.problem} />
    </div>
  );
}

/** Connected with the present key: an older handshake was the old one's. */
function isConnected(device: Device): boolean {
  return (
    device.status === 'connected' && !!device.live && Date.parse(device.live.handshakeAt) >= Date.parse(device.keyAt)
  );
}
