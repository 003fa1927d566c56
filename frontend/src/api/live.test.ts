import { expect, test } from 'vitest';
import { kindOf } from './live.ts';

test('an event names its kind, and what is not the contract’s names none', () => {
  expect(kindOf('{"kind":"device","id":"1"}')).toBe('device');
  for (const data of ['', 'x', 'null', '[]', '{"id":"1"}']) expect(kindOf(data)).toBe('');
});
