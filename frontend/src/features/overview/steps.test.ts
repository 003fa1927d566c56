import { expect, test } from 'vitest';
import { stepsOf } from './steps.ts';

test('the steps keep their order, and each is done by itself', () => {
  const steps = stepsOf({ provider: true, gateway: false, profile: true, rule: false, device: false });
  expect(steps.map((s) => s.key)).toEqual(['provider', 'gateway', 'profile', 'rule', 'device']);
  expect(steps.find((s) => !s.done)?.key).toBe('gateway');
});
