import type { Device } from '../../api/devices.ts';

/** The one big state of a person's home. */
export type HomeStatus =
  | { kind: 'none' }
  | { kind: 'connected'; devices: Device[] }
  | { kind: 'ready' }
  | { kind: 'expired'; devices: Device[] }
  | { kind: 'pending' }
  | { kind: 'blocked' };

/** A live tunnel says most; then what can connect, what a renewal would bring back, and what only an admin can. */
export function homeStatus(devices: Device[]): HomeStatus {
  if (devices.length === 0) return { kind: 'none' };
  const connected = devices.filter((d) => d.status === 'connected');
  if (connected.length > 0) return { kind: 'connected', devices: connected };
  if (devices.some((d) => d.status === 'ready')) return { kind: 'ready' };
  const expired = devices.filter((d) => d.status === 'expired');
  if (expired.length > 0) return { kind: 'expired', devices: expired };
  if (devices.some((d) => d.status === 'pending')) return { kind: 'pending' };
  return { kind: 'blocked' };
}

/** The end that comes first among the devices that may connect now; undefined when there is none. */
export function firstEnd(devices: Device[]): string | undefined {
  return devices
    .filter((d) => d.status === 'connected' || d.status === 'ready')
    .map((d) => d.grant.notAfter)
    .sort()[0];
}
