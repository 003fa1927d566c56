import { Button, NativeSelect, TextInput } from '@mantine/core';
import { type FormEvent, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { createScimToken, revokeScimToken, type Scim, type ScimToken } from '../../api/directories.ts';
import { useAction } from '../../ui/action.ts';
import { Dialog } from '../../ui/dialog.tsx';
import form from '../../ui/form.module.css';
import { formatDuration } from '../../ui/format.ts';
import { ProblemNote } from '../../ui/problem-note.tsx';
import { SecretOnce } from '../../ui/secret-once.tsx';
import classes from './directories.module.css';

type Issuers = Scim['issuers'];
type Props = { opened: boolean; onClose: () => void; issuers: Issuers; instead?: ScimToken };

const lifetimes = [90, 180, 365, 730, 1825]; // days
const subjects: ScimToken['subject'][] = ['externalId', 'userName'];
const refresh = [['scim'], ['audit']];

/** Makes a directory's token; with `instead`, one that takes the place of another, which works until it is revoked. */
export function NewTokenDialog({ opened, onClose, issuers, instead }: Props) {
  const { t } = useTranslation();
  const [secret, setSecret] = useState<string>();
  const [old, setOld] = useState<ScimToken>();
  const revoke = useAction((id: string) => revokeScimToken(id), { refresh, done: onClose });
  // biome-ignore lint/correctness/useExhaustiveDependencies: begins anew when it opens
  useEffect(() => {
    if (!opened) return;
    setSecret(undefined);
    setOld(instead);
    revoke.reset();
  }, [opened]);
  const title = old ? t('directories.rotateTitle', { name: old.name }) : t('directories.addTitle');
  return (
    <Dialog opened={opened} onClose={onClose} title={title} insist={secret !== undefined}>
      {secret ? (
        <SecretOnce secret={secret} onDone={onClose}>
          {old && (
            <>
              <p>{t('directories.rotateThen')}</p>
              <div>
                <Button variant="default" loading={revoke.pending} onClick={() => revoke.run(old.id)}>
                  {t('directories.revokeOld')}
                </Button>
              </div>
              <ProblemNote problem={revoke.problem} />
            </>
          )}
        </SecretOnce>
      ) : (
        opened && <TokenForm issuers={issuers} instead={instead} onClose={onClose} onMade={setSecret} />
      )}
    </Dialog>
  );
}

type FormProps = { issuers: Issuers; instead?: ScimToken; onClose: () => void; onMade: (secret: string) => void };

function TokenForm({ issuers, instead, onClose, onMade }: FormProps) {
  const { t, i18n } = useTranslation();
  const [name, setName] = useState(instead?.name ?? '');
  const [issuer, setIssuer] = useState(instead?.issuer ?? issuers[0]?.issuer ?? '');
  const [subject, setSubject] = useState<ScimToken['subject']>(instead?.subject ?? 'externalId');
  const [days, setDays] = useState(365);
  const make = useAction(() => createScimToken({ name: name.trim(), issuer, subject, days }), {
    refresh,
    done: (made) => onMade(made.secret),
  });
  const wrong = make.problem?.byField() ?? {};
  const submit = (event: FormEvent) => {
    event.preventDefault();
    make.run();
  };
  return (
    <form onSubmit={submit} className={form.form}>
      <TextInput
        label={t('directories.name')}
        description={t('directories.nameHint')}
        value={name}
        maxLength={64}
        onChange={(e) => setName(e.currentTarget.value)}
        error={wrong.name}
        data-autofocus
      />
      {instead ? (
        <p className={classes.note}>{t('directories.same', { issuer, subject })}</p>
      ) : (
        <>
          <NativeSelect
            label={t('directories.provider')}
            description={t('directories.providerHint')}
            value={issuer}
            onChange={(e) => setIssuer(e.currentTarget.value)}
            data={issuers.map((p) => ({ value: p.issuer, label: `${p.name} (${p.issuer})` }))}
            error={wrong.issuer}
          />
          <NativeSelect
            label={t('directories.subject')}
            description={t('directories.subjectHint')}
            value={subject}
            onChange={(e) => setSubject(e.currentTarget.value as ScimToken['subject'])}
            data={subjects}
            error={wrong.subject}
          />
        </>
      )}
      <NativeSelect
        label={t('tokens.lifetime')}
        value={String(days)}
        onChange={(e) => setDays(Number(e.currentTarget.value))}
        data={lifetimes.map((d) => ({ value: String(d), label: formatDuration(d * 86400, i18n.language) }))}
        error={wrong.days}
      />
      <ProblemNote problem={make.problem} />
      <div className={form.buttons}>
        <Button variant="default" onClick={onClose}>
          {t('common.cancel')}
        </Button>
        <Button type="submit" loading={make.pending} disabled={!name.trim() || !issuer}>
          {t('tokens.create')}
        </Button>
      </div>
    </form>
  );
}
