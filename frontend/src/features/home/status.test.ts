import { expect, test } from 'vitest';
import type { Device, DeviceStatus } from '../../api/devices.ts';
import { firstEnd, homeStatus } from './status.ts';

const device = (status: DeviceStatus, notAfter = '2026-01-01T00:00:00Z') =>
  ({ id: status, status, grant: { level: 'full', notAfter } }) as Device;

test.each<[DeviceStatus[], string]>([
  [[], 'none'],
  [['suspended', 'expired', 'ready', 'connected'], 'connected'],
  [['suspended', 'expired', 'ready'], 'ready'],
  [['suspended', 'pending', 'expired'], 'expired'],
  [['suspended', 'pending'], 'pending'],
  [['suspended'], 'blocked'],
  [['held'], 'blocked'],
])('devices %j make the home say %s', (statuses, want) => {
  expect(homeStatus(statuses.map((s) => device(s))).kind).toBe(want);
});

test('the session that ends first counts, among devices that may connect', () => {
  expect(
    firstEnd([
      device('expired', '2026-01-01T00:00:00Z'),
      device('ready', '2026-03-01T00:00:00Z'),
      device('connected', '2026-02-01T00:00:00Z'),
    ]),
  ).toBe('2026-02-01T00:00:00Z');
  expect(firstEnd([device('suspended')])).toBeUndefined();
});
