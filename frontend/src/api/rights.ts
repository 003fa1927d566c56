import type { Session } from './session.ts';

/** Names of the portal's authorization table that the app asks for. */
export type Right =
  | 'overview.read'
  | 'people.read'
  | 'people.write'
  | 'people.factors'
  | 'people.roles'
  | 'groups.read'
  | 'groups.write'
  | 'devices.read'
  | 'devices.write'
  | 'profiles.read'
  | 'profiles.write'
  | 'access.read'
  | 'access.probe'
  | 'access.write'
  | 'posture.read'
  | 'posture.write'
  | 'gateways.read'
  | 'gateways.write'
  | 'audit.read'
  | 'audit.export'
  | 'settings.read'
  | 'settings.write'
  | 'tokens.read'
  | 'tokens.write';

/** What is shown and offered; the portal decides again on every request. */
export function may(session: Pick<Session, 'can'>, right: Right): boolean {
  return session.can.includes(right);
}
