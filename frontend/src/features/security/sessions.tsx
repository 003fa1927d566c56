import { Button, Checkbox } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { goToSignIn } from '../../api/http.ts';
import { type BrowserSession, endOtherSessions, endSession, sessionsQuery, signOut } from '../../api/session.ts';
import { useAction } from '../../ui/action.ts';
import { Chip } from '../../ui/chip.tsx';
import { Confirm } from '../../ui/confirm.tsx';
import { say } from '../../ui/notify.ts';
import { Card, Section } from '../../ui/page.tsx';
import { ProblemNote } from '../../ui/problem-note.tsx';
import rows from '../../ui/rows.module.css';
import { SessionLine, useSessionName } from '../../ui/session-line.tsx';
import { Answer } from '../../ui/states.tsx';

export function SessionSection() {
  const { t } = useTranslation();
  const sessions = useQuery(sessionsQuery());
  const [asking, ask] = useDisclosure(false);
  const others = (sessions.data ?? []).filter((s) => !s.current).length;
  const button = (
    <Button variant="default" size="xs" onClick={ask.open}>
      {t('security.everywhere')}
    </Button>
  );
  return (
    <Section title={t('security.sessions')} lead={t('security.sessionsLead')} actions={button}>
      <Card flush>
        <Answer query={sessions}>
          {(list) => (
            <ul className={rows.rows}>
              {list.map((s) => (
                <SessionRow key={s.id} session={s} />
              ))}
            </ul>
          )}
        </Answer>
      </Card>
      <SignOutEverywhere opened={asking} onClose={ask.close} others={others} />
    </Section>
  );
}

/** Where the portal's sign-out leads: to the provider's, if it has one. */
const leave = (at: { redirect: string } | undefined) =>
  at ? location.assign(at.redirect) : goToSignIn({ signed_out: '1' });

function SessionRow({ session }: { session: BrowserSession }) {
  const { t } = useTranslation();
  const nameOf = useSessionName();
  const end = useAction(() => (session.current ? signOut() : endSession(session.id)), {
    refresh: [sessionsQuery().queryKey],
    done: (at) => session.current && leave(at),
  });
  return (
    <li>
      <SessionLine session={session}>
        <ProblemNote problem={end.problem} />
      </SessionLine>
      {session.current && <Chip tone="accent">{t('security.thisOne')}</Chip>}
      <Button
        variant="default"
        size="xs"
        loading={end.pending}
        onClick={() => end.run()}
        aria-label={t('security.signOutOf', { name: nameOf(session) })}
      >
        {t('security.signOut')}
      </Button>
    </li>
  );
}

function SignOutEverywhere({ opened, onClose, others }: { opened: boolean; onClose: () => void; others: number }) {
  const { t } = useTranslation();
  const [here, setHere] = useState(false);
  const end = useAction(
    async () => {
      const { ended } = await endOtherSessions();
      return { ended, at: here ? await signOut() : undefined };
    },
    {
      refresh: here ? [] : [sessionsQuery().queryKey],
      done: ({ ended, at }) => {
        if (here) return leave(at);
        onClose();
        say(t('security.endedOthers', { count: ended }));
      },
    },
  );
  return (
    <Confirm
      opened={opened}
      onClose={onClose}
      title={t('security.everywhereTitle')}
      verb={t('security.everywhere')}
      onConfirm={() => end.run()}
      pending={end.pending}
      problem={end.problem}
    >
      <p>{t('security.everywhereWhat', { count: others })}</p>
      <Checkbox label={t('security.hereToo')} checked={here} onChange={(e) => setHere(e.currentTarget.checked)} />
    </Confirm>
  );
}
