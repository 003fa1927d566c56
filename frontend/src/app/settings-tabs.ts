import type { Right } from '../api/rights.ts';

/** The pages under "Settings", in the order of their tabs. One line each: where, what it is called, who may look. */
export const settingsTabs = [
  { to: '/admin/providers', label: 'providers', right: 'settings.read' },
  { to: '/admin/directories', label: 'directories', right: 'settings.read' },
  { to: '/admin/roles', label: 'roles', right: 'people.read' },
  { to: '/admin/second-factors', label: 'factors', right: 'settings.read' },
  { to: '/admin/openvpn', label: 'openvpn', right: 'settings.read' },
  { to: '/admin/service-tokens', label: 'serviceTokens', right: 'tokens.read' },
] as const satisfies { to: string; label: string; right: Right }[];
