import { Button, NativeSelect, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconTerminal2 } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
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
          {(list) =>
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

function NewToken({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const { t, i18n } = useTranslation();
  const [name, setName] = useState('');
  const [days, setDays] = useState(90);
  const [secret, setSecret] = useState<string>();
  const make = useAction(() => createToken(name.trim(), days), {
    refresh: [tokensQuery().queryKey],
    done: (made) => setSecret(made.secret),
  });
  const close = () => {
    onClose();
    setName('');
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
          <ProblemNote problem={make.problem} />
          <div className={classes.formRow}>
            <Button variant="default" onClick={close}>
              {t('common.cancel')}
            </Button>
            <Button type="submit" loading={make.pending} disabled={!name.trim()}>
              {t('tokens.create')}
            </Button>
          </div>
        </form>
      )}
    </Dialog>
  );
}
