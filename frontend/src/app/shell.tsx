import { Burger, Drawer } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import {
  IconActivity,
  IconBuildingTunnel,
  IconDeviceLaptop,
  IconDevices,
  IconHistory,
  IconHourglass,
  IconListCheck,
  IconRoute,
  IconRouteAltLeft,
  IconServer,
  IconSettings,
  IconShieldCheck,
  IconShieldLock,
  IconUserShield,
  IconUsers,
  IconUsersGroup,
} from '@tabler/icons-react';
import { useQuery, useQueryClient, useSuspenseQuery } from '@tanstack/react-query';
import { Link, Outlet, useRouterState } from '@tanstack/react-router';
import { type ComponentType, useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { followEvents } from '../api/live.ts';
import { waitingQuery } from '../api/overview.ts';
import { may, type Right } from '../api/rights.ts';
import { type Session, sessionQuery } from '../api/session.ts';
import { Mark } from '../ui/mark.tsx';
import { DemoBanner } from './demo-banner.tsx';
import { LiveSign } from './live-sign.tsx';
import { settingsTabs } from './settings-tabs.ts';
import classes from './shell.module.css';
import { UserMenu } from './user-menu.tsx';

type Entry = { to: string; label: NavKey; icon: ComponentType<{ size?: number; stroke?: number }>; right?: Right };
type NavKey =
  | 'home'
  | 'reachability'
  | 'requests'
  | 'policy'
  | 'posture'
  | 'security'
  | 'overview'
  | 'people'
  | 'devices'
  | 'gateways'
  | 'profiles'
  | 'access'
  | 'groups'
  | 'audit'
  | 'settings';

const own: Entry[] = [
  { to: '/', label: 'home', icon: IconDeviceLaptop },
  { to: '/security', label: 'security', icon: IconShieldLock },
  { to: '/reachability', label: 'reachability', icon: IconRouteAltLeft },
  { to: '/requests', label: 'requests', icon: IconHourglass },
];

const manage: Entry[] = [
  { to: '/admin', label: 'overview', icon: IconActivity, right: 'overview.read' },
  { to: '/admin/people', label: 'people', icon: IconUsers, right: 'people.read' },
  { to: '/admin/groups', label: 'groups', icon: IconUsersGroup, right: 'groups.read' },
  { to: '/admin/devices', label: 'devices', icon: IconDevices, right: 'devices.read' },
  { to: '/admin/posture', label: 'posture', icon: IconShieldCheck, right: 'posture.read' },
  { to: '/admin/gateways', label: 'gateways', icon: IconServer, right: 'gateways.read' },
  { to: '/admin/profiles', label: 'profiles', icon: IconRoute, right: 'profiles.read' },
  { to: '/admin/access', label: 'access', icon: IconUserShield, right: 'access.read' },
  { to: '/admin/policy', label: 'policy', icon: IconListCheck, right: 'access.read' },
  { to: '/admin/audit', label: 'audit', icon: IconHistory, right: 'audit.read' },
];

/** The frame of every page behind sign-in: where one is, where one can go, and what is happening. */
export function Shell() {
  const { t } = useTranslation();
  const { data: session } = useSuspenseQuery(sessionQuery());
  const queries = useQueryClient();
  const [open, { toggle, close }] = useDisclosure(false);
  const path = useRouterState({ select: (s) => s.location.pathname });
  const main = useFocusOnNavigation(path);

  useEffect(() => followEvents(queries), [queries]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the drawer closes when the page changes
  useEffect(close, [path]);

  return (
    <div className={classes.frame}>
      <a className={classes.skip} href="#main">
        {t('shell.skip')}
      </a>
      <header className={classes.topbar}>
        <Burger opened={open} onClick={toggle} size="sm" aria-label={t('shell.menu')} aria-expanded={open} />
        <Brand />
        <UserMenu session={session} compact />
      </header>
      <Drawer
        opened={open}
        onClose={close}
        size={272}
        title={<Brand />}
        closeButtonProps={{ 'aria-label': t('common.close') }}
      >
        <Nav session={session} path={path} />
      </Drawer>
      <div className={classes.body}>
        <aside className={classes.side}>
          <Brand />
          <Nav session={session} path={path} />
          <div className={classes.sideFoot}>
            <LiveSign />
            <UserMenu session={session} />
          </div>
        </aside>
        <div className={classes.column}>
          <DemoBanner />
          <main id="main" ref={main} tabIndex={-1} className={classes.main}>
            <Outlet />
          </main>
        </div>
      </div>
    </div>
  );
}

function Brand() {
  return (
    <Link to="/" className={classes.brand}>
      <Mark size={26} />
      <span>Sallyport</span>
    </Link>
  );
}

function Nav({ session, path }: { session: Session; path: string }) {
  const { t } = useTranslation();
  const waiting = useWaiting();
  const managed = [...manage.filter((e) => !e.right || may(session, e.right)), ...settingsOf(session)];
  return (
    <nav aria-label={t('shell.nav')} className={classes.nav}>
      <ul>
        {own.map((e) => (
          <NavItem key={e.to} entry={e} path={path} waiting={waiting[e.label]} />
        ))}
      </ul>
      {managed.length > 0 && (
        <>
          <h2 id="nav-manage">{t('shell.manage')}</h2>
          <ul aria-labelledby="nav-manage">
            {managed.map((e) => (
              <NavItem key={e.to} entry={e} path={path} waiting={waiting[e.label]} />
            ))}
          </ul>
        </>
      )}
      <a className={classes.docs} href="/api/docs">
        <IconBuildingTunnel size={16} stroke={1.7} aria-hidden />
        {t('shell.apiDocs')}
      </a>
    </nav>
  );
}

/** The entry of the settings: it leads to the first of them that the role may look at. */
function settingsOf(session: Session): Entry[] {
  const first = settingsTabs.find((tab) => may(session, tab.right));
  return first ? [{ to: first.to, label: 'settings', icon: IconSettings }] : [];
}

/** How many things wait for the person at an entry. */
function useWaiting(): Partial<Record<NavKey, number>> {
  const { data } = useQuery(waitingQuery());
  return data ?? {};
}

function NavItem({ entry, path, waiting = 0 }: { entry: Entry; path: string; waiting?: number }) {
  const { t } = useTranslation();
  const Icon = entry.icon;
  return (
    <li>
      <Link
        to={entry.to}
        activeOptions={{ exact: true }}
        className={classes.item}
        aria-current={isHere(entry, path) ? 'page' : undefined}
      >
        <Icon size={18} stroke={1.7} />
        {t(`nav.${entry.label}`)}
        {waiting > 0 && (
          <span className={classes.waiting} title={t('shell.waiting', { count: waiting })}>
            {waiting}
          </span>
        )}
      </Link>
    </li>
  );
}

function isHere({ to, label }: Entry, path: string): boolean {
  if (label === 'settings') return settingsTabs.some((tab) => path.startsWith(tab.to));
  if (to === '/') return path === '/' || path.startsWith('/devices');
  if (to === '/admin') return path === '/admin';
  return path.startsWith(to);
}

/** Moves focus to the content when the page changes, so that a screen reader begins there. Not on the first one. */
function useFocusOnNavigation(path: string) {
  const main = useRef<HTMLElement>(null);
  const last = useRef(path);
  useEffect(() => {
    if (last.current === path) return;
    last.current = path;
    main.current?.focus({ preventScroll: true });
  }, [path]);
  return main;
}
