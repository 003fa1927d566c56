import { Button, Checkbox, NativeSelect, Radio, Stack, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconTerminal2 } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import type { TFunction } from 'i18next';
import { type FormEvent, useState } from 'react';
import { Trans, useTranslation } from 'react-i18next';
import { createToken, deleteToken, type Token, tokensQuery } from '../../api/session.ts';
import { useAction } from '../../ui/action.ts';
import { Confirm } from '../../ui/confirm.tsx';
import { Command } from '../../ui/copy.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { formatDuration } from '../../ui/format.ts';
import { Card, Section } from '../../ui/page.tsx';
import { ProblemNote } from '../../ui/problem-note.tsx';
import { Answer } from '../../ui/states.tsx';
import { RelativeTime } from '../../ui/time.tsx';
import classes from './security.module.css';

const lifetimes = [7, 30, 90, 365]; // days

export function TokenSection() {
  const { t } = useTranslation();
  const tokens = useQuery(tokensQuery());
  const [making, make] = useDisclosure(false);
  const button = (
    <Button variant="default" size="xs" onClick={make.open}>
      {t('tokens.new')}
    </Button>
  );
  return (
    <Section title={t('tokens.title')} lead={t('tokens.lead')} actions={button}>
      <Card flush>
        <Answer query={tokens}>
          {({ items: list }) =>
            list.length === 0 ? (
              <p className={classes.none}>{t('tokens.none')}</p>
            ) : (
              <ul className={classes.rows}>
                {list.map((token) => (
                  <TokenRow key={token.id} token={token} />
                ))}
              </ul>
            )
          }
        </Answer>
      </Card>
      <NewToken opened={making} onClose={make.close} />
    </Section>
  );
}

function TokenRow({ token }: { token: Token }) {
  const { t } = useTranslation();
  const [asking, ask] = useDisclosure(false);
  const remove = useAction(() => deleteToken(token.id), { refresh: [tokensQuery().queryKey], done: ask.close });
  return (
    <li>
      <IconTerminal2 size={20} stroke={1.6} aria-hidden />
      <div>
        <b>{token.name}</b>
        <p>
          {token.usedAt ? (
            <>
              {t('tokens.used')} <RelativeTime at={token.usedAt} />
            </>
          ) : (
            t('tokens.neverUsed')
          )}{' '}
          · {t('tokens.ends')} <RelativeTime at={token.expiresAt} />
        </p>
        <p>{token.scopes ? token.scopes.map((scope) => scopeText(t, scope)).join(' · ') : t('tokens.scopeAll')}</p>
      </div>
      <Button variant="default" size="xs" onClick={ask.open} aria-label={t('tokens.deleteOf', { name: token.name })}>
        {t('common.delete')}
      </Button>
      <Confirm
        opened={asking}
        onClose={ask.close}
        title={t('tokens.deleteTitle')}
        verb={t('common.delete')}
        onConfirm={() => remove.run()}
        pending={remove.pending}
        problem={remove.problem}
      >
        <p>
          <Trans i18nKey="tokens.deleteWhat" values={{ name: token.name }} components={{ b: <b /> }} />
        </p>
      </Confirm>
    </li>
  );
}

/** What a right lets a token do, in words; a right that the catalogue does not know stays as it is. */
function scopeText(t: TFunction, scope: string): string {
  return t(`scopes.${scope.replace('.', '_')}`, { defaultValue: scope });
}

function NewToken({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const { t, i18n } = useTranslation();
  const [name, setName] = useState('');
  const [days, setDays] = useState(90);
  const [limited, setLimited] = useState(false);
  const [scopes, setScopes] = useState<string[]>([]);
  const offered = useQuery(tokensQuery()).data?.scopes ?? [];
  const [secret, setSecret] = useState<string>();
  const make = useAction(() => createToken(name.trim(), days, limited ? scopes : undefined), {
    refresh: [tokensQuery().queryKey],
    done: (made) => setSecret(made.secret),
  });
  const close = () => {
    onClose();
    setName('');
    setLimited(false);
    setScopes([]);
    setSecret(undefined);
    make.reset();
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    make.run();
  };
  return (
    <Dialog opened={opened} onClose={close} title={t('tokens.newTitle')}>
      {secret ? (
        <div className={classes.form}>
          <p className={classes.lead}>{t('tokens.once')}</p>
          <Command text={secret} />
          <div className={classes.formRow}>
            <Button onClick={close}>{t('common.done')}</Button>
          </div>
        </div>
      ) : (
        <form onSubmit={submit} className={classes.form}>
          <TextInput
            label={t('tokens.name')}
            description={t('tokens.nameHint')}
            value={name}
            maxLength={64}
            onChange={(e) => setName(e.currentTarget.value)}
            error={make.problem?.byField().name}
            data-autofocus
          />
          <NativeSelect
            label={t('tokens.lifetime')}
            value={String(days)}
            onChange={(e) => setDays(Number(e.currentTarget.value))}
            data={lifetimes.map((d) => ({ value: String(d), label: formatDuration(d * 86400, i18n.language) }))}
          />
          <Radio.Group
            label={t('tokens.may')}
            value={limited ? 'some' : 'all'}
            onChange={(value) => setLimited(value === 'some')}
          >
            <Stack gap={8} mt={6}>
              <Radio value="all" label={t('tokens.mayAll')} />
              <Radio value="some" label={t('tokens.maySome')} />
            </Stack>
          </Radio.Group>
          {limited && (
            <Checkbox.Group label={t('tokens.scopes')} value={scopes} onChange={setScopes}>
              <Stack gap={8} mt={6}>
                {offered.map((scope) => (
                  <Checkbox key={scope} value={scope} label={scopeText(t, scope)} />
                ))}
              </Stack>
            </Checkbox.Group>
          )}
          <ProblemNote problem={make.problem} />
          <div className={classes.formRow}>
            <Button variant="default" onClick={close}>
              {t('common.cancel')}
            </Button>
            <Button type="submit" loading={make.pending} disabled={!name.trim() || (limited && scopes.length === 0)}>
              {t('tokens.create')}
            </Button>
          </div>
        </form>
      )}
    </Dialog>
  );
}
