import { IconDeviceDesktop, IconDeviceMobile } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { BrowserSession } from '../api/session.ts';
import { countryName } from './country.ts';
import { RelativeTime } from './time.tsx';
import { describeBrowser } from './user-agent.ts';

const phones = /Android|iPhone|iPad/;

/** How a session is called: browser and system in words that people know. */
export function useSessionName(): (session: BrowserSession) => string {
  const { t } = useTranslation();
  return (session) => {
    const what = describeBrowser(session.userAgent);
    return what ? [what.browser, what.system].filter(Boolean).join(' · ') : t('security.unknownBrowser');
  };
}

/** Where a session is: the device, the address, since when, and when it was last seen. For a row of rows.module.css. */
export function SessionLine({ session, children }: { session: BrowserSession; children?: ReactNode }) {
  const { t, i18n } = useTranslation();
  const nameOf = useSessionName();
  const { city, country } = session.place ?? {};
  const place = [city, countryName(country, i18n.language)].filter(Boolean).join(', ');
  const Icon = phones.test(session.userAgent) ? IconDeviceMobile : IconDeviceDesktop;
  return (
    <>
      <Icon size={20} stroke={1.6} aria-hidden />
      <div>
        <b title={session.userAgent}>{nameOf(session)}</b>
        <p>
          <span className="mono">{session.address}</span>
          {place && ` · ${place}`} · {t('security.seen')} <RelativeTime at={session.seenAt} />
        </p>
        <p>
          {t('security.signedIn')} <RelativeTime at={session.createdAt} />
        </p>
        {children}
      </div>
    </>
  );
}
