import { Button, Checkbox, NativeSelect, Stack, TextInput } from '@mantine/core';
import { type FormEvent, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Schemas } from '../../api/http.ts';
import type { Role } from '../../api/people.ts';
import { createServiceToken } from '../../api/service-tokens.ts';
import { useAction } from '../../ui/action.ts';
import { Dialog } from '../../ui/dialog.tsx';
import form from '../../ui/form.module.css';
import { formatDuration } from '../../ui/format.ts';
import { ProblemNote } from '../../ui/problem-note.tsx';
import { useRightText } from '../../ui/right-text.ts';
import { SecretOnce } from '../../ui/secret-once.tsx';
import classes from './tokens.module.css';

type Offer = { role: Schemas['Role']; scopes: string[] };
type Props = { opened: boolean; onClose: () => void; offers: Offer[] };

const lifetimes = [7, 30, 90, 180, 365]; // days

/** Makes a token for a program: a role, of which only what is chosen, and an end. */
export function NewServiceTokenDialog({ opened, onClose, offers }: Props) {
  const { t } = useTranslation();
  const [secret, setSecret] = useState<string>();
  useEffect(() => {
    if (opened) setSecret(undefined);
  }, [opened]);
  return (
    <Dialog opened={opened} onClose={onClose} title={t('serviceTokens.addTitle')} insist={secret !== undefined}>
      {secret ? (
        <SecretOnce secret={secret} onDone={onClose} />
      ) : (
        opened && <TokenForm offers={offers} onClose={onClose} onMade={setSecret} />
      )}
    </Dialog>
  );
}

function TokenForm({ offers, onClose, onMade }: Omit<Props, 'opened'> & { onMade: (secret: string) => void }) {
  const { t, i18n } = useTranslation();
  const rightText = useRightText();
  const able = offers.filter((o) => o.scopes.length > 0);
  const [name, setName] = useState('');
  const [role, choose] = useState<Role>(
    able.some((o) => o.role === 'auditor') ? 'auditor' : (able[0]?.role ?? 'auditor'),
  );
  const [days, setDays] = useState(90);
  const [scopes, setScopes] = useState<string[]>([]);
  const offered = able.find((o) => o.role === role)?.scopes ?? [];
  const asked = scopes.filter((scope) => offered.includes(scope));
  const make = useAction(() => createServiceToken({ name: name.trim(), role, scopes: asked, days }), {
    refresh: [['service-tokens'], ['audit']],
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
        label={t('serviceTokens.name')}
        description={t('tokens.nameHint')}
        value={name}
        maxLength={64}
        onChange={(e) => setName(e.currentTarget.value)}
        error={wrong.name}
        data-autofocus
      />
      <NativeSelect
        label={t('people.role')}
        description={t('serviceTokens.roleHint')}
        value={role}
        onChange={(e) => choose(e.currentTarget.value as Role)}
        data={able.map((o) => ({ value: o.role, label: t(`role.${o.role}`) }))}
        error={wrong.role}
      />
      <Checkbox.Group label={t('serviceTokens.scopes')} value={asked} onChange={setScopes} error={wrong.scopes}>
        <Stack gap={8} mt={6} className={classes.list}>
          {offered.map((scope) => (
            <Checkbox key={scope} value={scope} label={rightText(scope)} />
          ))}
        </Stack>
      </Checkbox.Group>
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
        <Button type="submit" loading={make.pending} disabled={!name.trim() || asked.length === 0}>
          {t('tokens.create')}
        </Button>
      </div>
    </form>
  );
}
