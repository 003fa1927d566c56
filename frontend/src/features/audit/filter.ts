import type { AuditFilter } from '../../api/audit.ts';

/** What the URL keeps of a search of the trail. Days are the reader's, both included. */
export type AuditSearch = {
  q?: string;
  action?: string;
  actor?: string;
  target?: string;
  from?: string;
  until?: string;
};

/** The kinds of events that can be chosen. */
export const kinds = [
  'session',
  'factor',
  'token',
  'service_token',
  'user',
  'group',
  'device',
  'grant',
  'level',
  'posture',
  'gateway',
  'pop',
  'profile',
  'resource',
  'rule',
  'access_request',
  'policy',
  'provider',
  'identity',
  'scim',
  'audit',
] as const;

/** Kinds whose actions begin with several words: factor and factor_policy, grant and grants, policy and policy_test. */
const wide = ['factor', 'grant', 'policy'];

/** The beginning of the actions of a kind. What is none is one already. */
const begins = (kind: string) =>
  (kinds as readonly string[]).includes(kind) && !wide.includes(kind) ? `${kind}.` : kind;

/** The filter that the portal understands: days become instants in the reader's zone, and the last one is whole. */
export function asFilter({ action, from, until, ...same }: AuditSearch): AuditFilter {
  return { ...same, action: action && begins(action), from: instant(from, 0), until: instant(until, 1) };
}

function instant(day: string | undefined, later: number): string | undefined {
  const [year = 0, month = 0, date = 0] = (day ?? '').split('-').map(Number);
  if (!year || !month || !date) return undefined;
  return new Date(year, month - 1, date + later).toISOString();
}
