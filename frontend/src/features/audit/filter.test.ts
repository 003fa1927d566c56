import { expect, test } from 'vitest';
import { asFilter } from './filter.ts';

test('days are the reader’s, and the last one is whole', () => {
  expect(asFilter({ q: 'x', from: '2026-11-01', until: '2026-11-30' })).toEqual({
    q: 'x',
    from: '2026-10-31T15:00:00.000Z', // Asia/Seoul
    until: '2026-11-30T15:00:00.000Z',
  });
});

test('what is no day asks for nothing', () => {
  expect(asFilter({ from: 'yesterday', until: '' })).toEqual({});
});

test('a kind is the beginning of its actions', () => {
  expect(asFilter({ action: 'user' }).action).toBe('user.');
  expect(asFilter({ action: 'factor' }).action).toBe('factor'); // and factor_policy
  expect(asFilter({ action: 'device.rev' }).action).toBe('device.rev');
});
