import { Button } from '@mantine/core';
import { IconDeviceDesktop } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { goToSignIn } from '../../api/http.ts';
import { type BrowserSession, endSession, sessionsQuery, signOut } from '../../api/session.ts';
import { useAction } from '../../ui/action.ts';
import { Chip } from '../../ui/chip.tsx';
import { countryName } from '../../ui/country.ts';
import { Card, Section } from '../../ui/page.tsx';
import { ProblemNote } from '../../ui/problem-note.tsx';
import { Answer } from '../../ui/states.tsx';
import { RelativeTime } from '../../ui/time.tsx';
import { describeBrowser } from '../../ui/user-agent.ts';
import classes from './security.module.css';

export function SessionSection() {
  const { t } = useTranslation();
  const sessions = useQuery(sessionsQuery());
  return (
    <Section title={t('security.sessions')} lead={t('security.sessionsLead')}>
      <Card flush>
        <Answer query={sessions}>
          {(list) => (
            <ul className={classes.rows}>
              {list.map((s) => (
                <SessionRow key={s.id} session={s} />
              ))}
            </ul>
          )}
        </Answer>
      </Card>
    </Section>
  );
}

function SessionRow({ session }: { session: BrowserSession }) {
  const { t, i18n } = useTranslation();
  const end = useAction(() => (session.current ? signOut() : endSession(session.id)), {
    refresh: [sessionsQuery().queryKey],
    done: (at) => session.current && (at ? location.assign(at.redirect) : goToSignIn({ signed_out: '1' })),
  });
  const what = describeBrowser(session.userAgent);
  const name = what ? [what.browser, what.system].filter(Boolean).join(' · ') : t('security.unknownBrowser');
  const place =
    session.place && [session.place.city, countryName(session.place.country, i18n.language)].filter(Boolean).join(', ');
  return (
    <li>
      <IconDeviceDesktop size={20} stroke={1.6} aria-hidden />
      <div>
        <b title={session.userAgent}>{name}</b>
        <p>
          <span className="mono">{session.address}</span>
          {place && ` · ${place}`} · {t('security.seen')} <RelativeTime at={session.seenAt} />
        </p>
        <ProblemNote problem={end.problem} />
      </div>
      {session.current && <Chip tone="accent">{t('security.thisOne')}</Chip>}
      <Button
        variant="default"
        size="xs"
        loading={end.pending}
        onClick={() => end.run()}
        aria-label={t('security.signOutOf', { name })}
      >
        {t('security.signOut')}
      </Button>
    </li>
  );
}
