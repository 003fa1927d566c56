// Every URL of the app, on one page. /sign-in is apart (see main.ts).
import type { QueryClient } from '@tanstack/react-query';
import {
  createRootRouteWithContext,
  createRoute,
  lazyRouteComponent as lazy,
  Outlet,
  redirect,
} from '@tanstack/react-router';
import type { Right } from '../api/rights.ts';
import { may } from '../api/rights.ts';
import { sessionQuery } from '../api/session.ts';
import { loadAdminTexts, loadPostureTexts } from '../i18n/i18n.ts';
import { NoSuchPage, RouteProblem } from './boundaries.tsx';
import { Shell } from './shell.tsx';

type Search = Record<string, unknown>;
type Texts<K extends string> = Partial<Record<K, string>>;
const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

const root = createRootRouteWithContext<{ queries: QueryClient }>()({
  component: Outlet,
  errorComponent: RouteProblem,
  notFoundComponent: NoSuchPage,
});

const secondFactor = createRoute({
  getParentRoute: () => root,
  path: '/second-factor',
  validateSearch: (s: Search): Texts<'return_to'> => ({ return_to: text(s.return_to) }),
  component: lazy(() => import('../features/factor/page.tsx'), 'FactorPage'),
});

/** Everything below needs a session whose second factor was shown. */
const app = createRoute({
  getParentRoute: () => root,
  id: 'app',
  beforeLoad: async ({ context, location }) => {
    const session = await context.queries.ensureQueryData(sessionQuery());
    if (session.stage !== 'ready') {
      throw redirect({
        to: '/second-factor',
        search: { return_to: location.href === '/' ? undefined : location.href },
        replace: true,
      });
    }
    return { session };
  },
  component: Shell,
  errorComponent: RouteProblem,
});

const home = createRoute({
  getParentRoute: () => app,
  path: '/',
  component: lazy(() => import('../features/home/page.tsx'), 'HomePage'),
});

const addDevice = createRoute({
  getParentRoute: () => app,
  path: '/devices/new',
  validateSearch: (s: Search): Texts<'step' | 'platform' | 'profile' | 'pop' | 'protocol'> => ({
    step: text(s.step),
    platform: text(s.platform),
    profile: text(s.profile),
    pop: text(s.pop),
    protocol: text(s.protocol),
  }),
  component: lazy(() => import('../features/add-device/wizard.tsx'), 'AddDeviceWizard'),
});

const getDevice = createRoute({
  getParentRoute: () => app,
  path: '/devices/$id/file',
  component: lazy(() => import('../features/add-device/file-page.tsx'), 'DeviceFilePage'),
});

const security = createRoute({
  getParentRoute: () => app,
  path: '/security',
  validateSearch: (s: Search): Texts<'problem' | 'id'> => ({ problem: text(s.problem), id: text(s.id) }),
  component: lazy(() => import('../features/security/page.tsx'), 'SecurityPage'),
});

const reachability = createRoute({
  getParentRoute: () => app,
  path: '/reachability',
  validateSearch: (s: Search): Texts<'person'> => ({ person: text(s.person) }),
  component: lazy(() => import('../features/reachability/page.tsx'), 'ReachabilityPage'),
});

const requests = createRoute({
  getParentRoute: () => app,
  path: '/requests',
  component: lazy(() => import('../features/requests/page.tsx'), 'RequestsPage'),
});

const apiDocs = createRoute({
  getParentRoute: () => root,
  path: '/api/docs',
  component: lazy(() => import('../features/api-docs/page.tsx'), 'ApiDocsPage'),
});

/** Guards a page of the admin part, and brings its texts. The portal refuses the data anyway; this keeps an empty page off the screen. */
const needs =
  (right: Right) =>
  async ({ context }: { context: { session: Parameters<typeof may>[0] } }) => {
    if (!may(context.session, right)) throw redirect({ to: '/', replace: true });
    await loadAdminTexts();
  };

const overview = createRoute({
  getParentRoute: () => app,
  path: '/admin',
  beforeLoad: needs('overview.read'),
  component: lazy(() => import('../features/overview/page.tsx'), 'OverviewPage'),
});

const people = createRoute({
  getParentRoute: () => app,
  path: '/admin/people',
  beforeLoad: needs('people.read'),
  validateSearch: (s: Search): Texts<'q' | 'sort'> => ({ q: text(s.q), sort: text(s.sort) }),
  component: lazy(() => import('../features/people/list.tsx'), 'PeoplePage'),
});

const person = createRoute({
  getParentRoute: () => app,
  path: '/admin/people/$id',
  beforeLoad: needs('people.read'),
  component: lazy(() => import('../features/people/person.tsx'), 'PersonPage'),
});

const groups = createRoute({
  getParentRoute: () => app,
  path: '/admin/groups',
  beforeLoad: needs('groups.read'),
  validateSearch: (s: Search): Texts<'q'> => ({ q: text(s.q) }),
  component: lazy(() => import('../features/groups/list.tsx'), 'GroupsPage'),
});

const group = createRoute({
  getParentRoute: () => app,
  path: '/admin/groups/$id',
  beforeLoad: needs('groups.read'),
  validateSearch: (s: Search): Texts<'q'> => ({ q: text(s.q) }),
  component: lazy(() => import('../features/groups/group.tsx'), 'GroupPage'),
});

const devices = createRoute({
  getParentRoute: () => app,
  path: '/admin/devices',
  beforeLoad: needs('devices.read'),
  validateSearch: (s: Search): Texts<'q' | 'sort' | 'status'> => ({
    q: text(s.q),
    sort: text(s.sort),
    status: text(s.status),
  }),
  component: lazy(() => import('../features/devices/list.tsx'), 'DevicesPage'),
});

const gateways = createRoute({
  getParentRoute: () => app,
  path: '/admin/gateways',
  beforeLoad: needs('gateways.read'),
  component: lazy(() => import('../features/gateways/list.tsx'), 'GatewaysPage'),
});

const addGateway = createRoute({
  getParentRoute: () => app,
  path: '/admin/gateways/new',
  beforeLoad: needs('gateways.write'),
  validateSearch: (s: Search): Texts<'pop'> => ({ pop: text(s.pop) }),
  component: lazy(() => import('../features/gateways/add.tsx'), 'AddGatewayPage'),
});

const profiles = createRoute({
  getParentRoute: () => app,
  path: '/admin/profiles',
  beforeLoad: needs('profiles.read'),
  component: lazy(() => import('../features/profiles/list.tsx'), 'ProfilesPage'),
});

const profile = createRoute({
  getParentRoute: () => app,
  path: '/admin/profiles/$id',
  beforeLoad: needs('profiles.read'),
  component: lazy(() => import('../features/profiles/edit.tsx'), 'ProfilePage'),
});

const access = createRoute({
  getParentRoute: () => app,
  path: '/admin/access',
  beforeLoad: needs('access.read'),
  validateSearch: (s: Search): Texts<'tab' | 'edit'> => ({ tab: text(s.tab), edit: text(s.edit) }),
  component: lazy(() => import('../features/access/page.tsx'), 'AccessPage'),
});

/** The frame of the pages under "Settings" (settings-tabs.ts names them). Each guards itself; the frame only needs its texts. */
const settings = createRoute({
  getParentRoute: () => app,
  id: 'settings',
  beforeLoad: loadAdminTexts,
  component: lazy(() => import('./settings.tsx'), 'Settings'),
});

const roles = createRoute({
  getParentRoute: () => settings,
  path: '/admin/roles',
  beforeLoad: needs('people.read'),
  component: lazy(() => import('../features/roles/page.tsx'), 'RolesPage'),
});

const directories = createRoute({
  getParentRoute: () => settings,
  path: '/admin/directories',
  beforeLoad: needs('settings.read'),
  component: lazy(() => import('../features/directories/page.tsx'), 'DirectoriesPage'),
});

const serviceTokens = createRoute({
  getParentRoute: () => settings,
  path: '/admin/service-tokens',
  beforeLoad: needs('tokens.read'),
  component: lazy(() => import('../features/service-tokens/page.tsx'), 'ServiceTokensPage'),
});

const authorities = createRoute({
  getParentRoute: () => settings,
  path: '/admin/openvpn',
  beforeLoad: needs('settings.read'),
  component: lazy(() => import('../features/openvpn/page.tsx'), 'AuthoritiesPage'),
});

const secondFactors = createRoute({
  getParentRoute: () => settings,
  path: '/admin/second-factors',
  beforeLoad: needs('settings.read'),
  component: lazy(() => import('../features/second-factors/page.tsx'), 'SecondFactorsPage'),
});

const providers = createRoute({
  getParentRoute: () => settings,
  path: '/admin/providers',
  beforeLoad: needs('settings.read'),
  validateSearch: (s: Search): Texts<'add'> => ({ add: text(s.add) }), // a provider's id may be any word, so "new" is none
  component: lazy(() => import('../features/providers/list.tsx'), 'ProvidersPage'),
});

const provider = createRoute({
  getParentRoute: () => settings,
  path: '/admin/providers/$id',
  beforeLoad: needs('settings.read'),
  component: lazy(() => import('../features/providers/edit.tsx'), 'ProviderPage'),
});

const providerTest = createRoute({
  getParentRoute: () => settings,
  path: '/admin/provider-tests/$id',
  beforeLoad: needs('settings.read'),
  component: lazy(() => import('../features/providers/test-page.tsx'), 'ProviderTestPage'),
});

const posture = createRoute({
  getParentRoute: () => app,
  path: '/admin/posture',
  beforeLoad: async (to) => {
    await Promise.all([needs('posture.read')(to), loadPostureTexts()]);
  },
  component: lazy(() => import('../features/posture/page.tsx'), 'PosturePage'),
});

const policy = createRoute({
  getParentRoute: () => app,
  path: '/admin/policy',
  beforeLoad: needs('access.read'),
  component: lazy(() => import('../features/policy/page.tsx'), 'PolicyPage'),
});

const audit = createRoute({
  getParentRoute: () => app,
  path: '/admin/audit',
  beforeLoad: needs('audit.read'),
  validateSearch: (s: Search): Texts<'q' | 'action' | 'actor' | 'target' | 'from' | 'until'> => ({
    q: text(s.q),
    action: text(s.action),
    actor: text(s.actor),
    target: text(s.target),
    from: text(s.from),
    until: text(s.until),
  }),
  component: lazy(() => import('../features/audit/page.tsx'), 'AuditPage'),
});

export const routeTree = root.addChildren([
  secondFactor,
  apiDocs,
  app.addChildren([
    home,
    addDevice,
    getDevice,
    security,
    reachability,
    requests,
    posture,
    policy,
    overview,
    people,
    person,
    groups,
    group,
    devices,
    gateways,
    addGateway,
    profiles,
    profile,
    access,
    audit,
    settings.addChildren([
      providers,
      provider,
      providerTest,
      directories,
      roles,
      secondFactors,
      serviceTokens,
      authorities,
    ]),
  ]),
]);
