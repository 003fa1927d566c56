import { expect, test } from 'vitest';
import { fromLocal, toLocal } from './local-time.ts';

test('moments go through an input and back', () => {
  expect(toLocal('2026-03-01T00:30:00Z')).toBe('2026-03-01T09:30'); // package.json says in which zone tests run
  expect(fromLocal('2026-03-01T09:30')).toBe('2026-03-01T00:30:00.000Z');
  expect(toLocal(undefined)).toBe('');
  expect(fromLocal('')).toBeUndefined();
});

test.each(['0002-06-01T09:30', '0020-06-01T09:30', '0202-06-01T09:30'])(
  'a year that is being typed stays: %s',
  (text) => {
    expect(toLocal(fromLocal(text))).toBe(text);
  },
);
