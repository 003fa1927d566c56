import { Button, Menu } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconDeviceMobile, IconFingerprint, IconKey, IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { passkeysHere } from '../../api/passkey.ts';
import { addPasskey, type Factor, factorsQuery, newRecoveryCodes, sessionQuery, waysQuery } from '../../api/session.ts';
import { useAction } from '../../ui/action.ts';
import { Chip } from '../../ui/chip.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { passkeyName } from '../../ui/enrol-factor.tsx';
import { EnrolTotp } from '../../ui/enrol-totp.tsx';
import { Card, Section } from '../../ui/page.tsx';
import { ProblemNote } from '../../ui/problem-note.tsx';
import { RecoveryCodes } from '../../ui/recovery-codes.tsx';
import { RowMenu } from '../../ui/row-menu.tsx';
import { Answer } from '../../ui/states.tsx';
import { useStepUp } from '../../ui/step-up.tsx';
import { RelativeTime } from '../../ui/time.tsx';
import { RemoveFactorDialog, RenameFactorDialog } from './factor-dialogs.tsx';
import classes from './security.module.css';

const few = 3; // recovery codes

const refresh = [factorsQuery().queryKey, sessionQuery().queryKey];

export function FactorSection() {
  const { t } = useTranslation();
  const factors = useQuery(factorsQuery());
  const session = useQuery(sessionQuery());
  const [codes, setCodes] = useState<string[]>();
  const keep = (given: string[]) => given.length > 0 && setCodes(given);
  const renew = useAction(newRecoveryCodes, { refresh, done: (r) => setCodes(r.recoveryCodes) });
  const account = session.data?.user.email || session.data?.user.name || '';

  return (
    <Section
      title={t('security.factors')}
      lead={t('security.factorsLead')}
      actions={<AddFactor onEnrolled={keep} started={factors.data !== undefined} />}
    >
      <Card flush>
        <Answer query={factors}>
          {(f) => (
            <ul className={classes.rows}>
              {f.passkeys.map((key) => (
                <FactorRow key={key.id} factor={key} />
              ))}
              {f.totp.map((totp) => (
                <FactorRow key={totp.id} factor={totp} />
              ))}
              {f.passkeys.length + f.totp.length === 0 && <li>{t('factor.noneYet')}</li>}
              {f.passkeys.length + f.totp.length > 0 && (
                <li>
                  <IconKey size={20} stroke={1.6} aria-hidden />
                  <div>
                    <b>{t('security.recovery')}</b>
                    <p>{t('security.codesLeft', { count: f.recoveryCodesLeft })}</p>
                  </div>
                  {f.recoveryCodesLeft <= few && <Chip tone="warn">{t('security.few')}</Chip>}
                  <Button variant="default" size="xs" loading={renew.pending} onClick={() => renew.run()}>
                    {t('security.newCodes')}
                  </Button>
                </li>
              )}
            </ul>
          )}
        </Answer>
      </Card>
      <ProblemNote problem={renew.problem} />
      <Dialog
        opened={codes !== undefined}
        onClose={() => setCodes(undefined)}
        title={t('recovery.title')}
        size="lg"
        insist
      >
        <p className={classes.lead}>{t('security.newCodesLead')}</p>
        {codes && (
          <RecoveryCodes
            codes={codes}
            account={account}
            onSaved={() => setCodes(undefined)}
            doneLabel={t('common.done')}
          />
        )}
      </Dialog>
    </Section>
  );
}

function FactorRow({ factor }: { factor: Factor }) {
  const { t } = useTranslation();
  const [renaming, rename] = useDisclosure(false);
  const [removing, remove] = useDisclosure(false);
  const passkey = factor.kind === 'passkey';
  const name = factor.name || t(passkey ? 'factor.kind.passkey' : 'factor.kind.totp');
  const Icon = passkey ? IconFingerprint : IconDeviceMobile;
  return (
    <li>
      <Icon size={20} stroke={1.6} aria-hidden />
      <div>
        <b>{name}</b>
        <p>
          {factor.name && `${t(passkey ? 'factor.kind.passkey' : 'factor.kind.totp')} · `}
          {t('security.since')} <RelativeTime at={factor.confirmedAt} />
          {factor.usedAt && (
            <>
              {' · '}
              {t('factor.used')} <RelativeTime at={factor.usedAt} />
            </>
          )}
        </p>
      </div>
      {factor.backedUp && <Chip tone="plain">{t('factor.synced')}</Chip>}
      <RowMenu name={name}>
        <Menu.Item onClick={rename.open}>{t('factor.rename')}</Menu.Item>
        <Menu.Item color="red" onClick={remove.open}>
          {t('factor.remove')}
        </Menu.Item>
      </RowMenu>
      <RenameFactorDialog factor={factor} name={name} opened={renaming} onClose={rename.close} />
      <RemoveFactorDialog factor={factor} name={name} opened={removing} onClose={remove.close} />
    </li>
  );
}

type AddProps = { onEnrolled: (codes: string[]) => void; started: boolean };

function AddFactor({ onEnrolled, started }: AddProps) {
  const { t } = useTranslation();
  const ways = useQuery(waysQuery());
  const session = useQuery(sessionQuery());
  const stepUp = useStepUp();
  const [app, setApp] = useState(false);
  const add = useAction(() => addPasskey(passkeyName()), { refresh, done: (r) => onEnrolled(r.recoveryCodes) });
  if (!started || !ways.data) return null;
  const fresh = () => Date.parse(session.data?.freshUntil ?? '') > Date.now();
  const openApp = async () => {
    if (ways.data.show.length === 0 || fresh() || (await stepUp())) setApp(true);
  };
  return (
    <>
      {ways.data.enrol.includes('passkey') && passkeysHere() && (
        <Button
          size="sm"
          leftSection={<IconPlus size={16} aria-hidden />}
          loading={add.pending}
          onClick={() => add.run()}
        >
          {t('factor.addPasskey')}
        </Button>
      )}
      {ways.data.enrol.includes('totp') && (
        <Button size="sm" variant="default" onClick={() => void openApp()}>
          {t('factor.addApp')}
        </Button>
      )}
      <ProblemNote problem={add.problem} />
      <Dialog opened={app} onClose={() => setApp(false)} title={t('factor.addApp')} size="lg">
        <EnrolTotp
          onEnrolled={(given) => {
            setApp(false);
            onEnrolled(given);
          }}
        />
      </Dialog>
    </>
  );
}
