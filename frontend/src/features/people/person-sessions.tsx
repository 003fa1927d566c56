import { Button } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useRouteContext } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { endPersonSession, endPersonSessions, type Person, personSessionsQuery } from '../../api/people.ts';
import { may } from '../../api/rights.ts';
import type { BrowserSession } from '../../api/session.ts';
import { useAction } from '../../ui/action.ts';
import { Confirm } from '../../ui/confirm.tsx';
import { say } from '../../ui/notify.ts';
import { Card, Section } from '../../ui/page.tsx';
import { ProblemNote } from '../../ui/problem-note.tsx';
import rows from '../../ui/rows.module.css';
import { SessionLine, useSessionName } from '../../ui/session-line.tsx';
import { Answer } from '../../ui/states.tsx';

/** Where a person is signed in, with sign-out of one and of all. */
export function PersonSessions({ person }: { person: Person }) {
  const { t } = useTranslation();
  const { session } = useRouteContext({ from: '/app' });
  const sessions = useQuery(personSessionsQuery(person.id));
  const [asking, ask] = useDisclosure(false);
  const writes = may(session, 'people.write');
  const refresh = [personSessionsQuery(person.id).queryKey, ['audit']];
  const name = person.name || person.email;
  const endAll = useAction(() => endPersonSessions(person.id), {
    refresh,
    done: ({ ended }) => {
      ask.close();
      say(t('people.signedOut', { name, count: ended }));
    },
  });
  const button = writes && (sessions.data?.length ?? 0) > 0 && (
    <Button variant="default" size="xs" onClick={ask.open}>
      {t('people.signOutAll')}
    </Button>
  );
  return (
    <Section title={t('people.sessions')} actions={button}>
      <Card flush>
        <Answer query={sessions}>
          {(list) =>
            list.length === 0 ? (
              <p className={rows.none}>{t('people.noSessions')}</p>
            ) : (
              <ul className={rows.rows}>
                {list.map((one) => (
                  <Row key={one.id} person={person} session={one} writes={writes} />
                ))}
              </ul>
            )
          }
        </Answer>
      </Card>
      <Confirm
        opened={asking}
        onClose={ask.close}
        title={t('people.signOutTitle', { name })}
        verb={t('people.signOutAll')}
        onConfirm={() => endAll.run()}
        pending={endAll.pending}
        problem={endAll.problem}
      >
        <p>{t('people.signOutWhat', { count: sessions.data?.length ?? 0 })}</p>
      </Confirm>
    </Section>
  );
}

function Row({ person, session, writes }: { person: Person; session: BrowserSession; writes: boolean }) {
  const { t } = useTranslation();
  const nameOf = useSessionName();
  const end = useAction(() => endPersonSession(person.id, session.id), {
    refresh: [personSessionsQuery(person.id).queryKey, ['audit']],
  });
  return (
    <li>
      <SessionLine session={session}>
        <ProblemNote problem={end.problem} />
      </SessionLine>
      {writes && (
        <Button
          variant="default"
          size="xs"
          loading={end.pending}
          onClick={() => end.run()}
          aria-label={t('security.signOutOf', { name: nameOf(session) })}
        >
          {t('security.signOut')}
        </Button>
      )}
    </li>
  );
}
