import type { Right } from '../api/rights.ts';

/** The pages under "Settings", in the order of their tabs. One line each: where, what it is called, who may look. */
export const settingsTabs = [
  { to: '/admin/providers', label: 'providers', right: 'settings.read' },
  { to: '/admin/second-factors', label: 'factors', right: 'settings.read' },
] as const satisfies { to: string; label: string; right: Right }[];
