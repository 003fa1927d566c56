import { expect, test } from 'vitest';
import { formatBytes, formatDuration, formatMs, formatRelative } from './format.ts';

test.each([
  [0, '0 B'],
  [1023, '1,023 B'],
  [1024, '1 KiB'],
  [1500, '1.5 KiB'],
  [48e6, '46 MiB'],
  [5 * 2 ** 40, '5 TiB'],
])('%d bytes are %s', (bytes, want) => {
  expect(formatBytes(bytes, 'en')).toBe(want);
});

const now = new Date('2026-01-01T00:00:00Z');
test.each([
  ['2026-01-01T00:00:00Z', 'now', '지금'],
  ['2025-12-31T23:59:18Z', '42 seconds ago', '42초 전'],
  ['2026-01-01T11:30:00Z', 'in 11 hours', '11시간 후'],
  ['2026-01-01T11:59:40Z', 'in 12 hours', '12시간 후'],
  ['2025-12-31T23:00:01Z', '1 hour ago', '1시간 전'],
  ['2025-12-30T00:00:00Z', '2 days ago', '그저께'],
  ['2024-01-01T00:00:00Z', '2 years ago', '2년 전'],
])('%s is %s', (at, en, ko) => {
  expect(formatRelative(new Date(at), now, 'en')).toBe(en);
  expect(formatRelative(new Date(at), now, 'ko')).toBe(ko);
});

test('durations use the largest whole unit', () => {
  expect(formatDuration(43_200, 'en')).toBe('12 hours');
  expect(formatDuration(5400, 'en')).toBe('90 minutes');
  expect(formatDuration(604_800, 'ko')).toBe('7일');
});

test('milliseconds have a decimal only below ten', () => {
  expect([formatMs(1.94, 'en'), formatMs(12.4, 'en')]).toEqual(['1.9 ms', '12 ms']);
});
