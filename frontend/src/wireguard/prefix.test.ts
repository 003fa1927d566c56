import { describe, expect, test } from 'vitest';
import { formatPrefix, type Prefix, parsePrefix, routesOf, subtract } from './prefix.ts';

const parse = (text: string) => parsePrefix(text) as Prefix;

test.each([
  '10.0.0.0/8',
  '0.0.0.0/0',
  '192.168.1.1/32',
  '::/0',
  'fd00::/8',
  '2001:db8:0:1::/64',
  '2001:db8:1:2:3:4:5:6/128',
])('%s reads and writes the same', (text) => {
  expect(formatPrefix(parse(text))).toBe(text);
});

test.each([
  '10.0.0.1/8',
  '10.0.0.0',
  '10.0.0.0/33',
  '10.0.0/8',
  '256.0.0.0/8',
  '01.0.0.0/8',
  'fd00:::/8',
  '1:2:3/64',
  ':::/0',
  'x',
  '',
])('%j is no prefix', (text) => {
  expect(parsePrefix(text)).toBeUndefined();
});

describe('routes', () => {
  test('of a split profile are its networks without the exceptions', () => {
    expect(routesOf('split', ['10.99.0.0/24'], ['10.99.0.128/25'])).toEqual(['10.99.0.0/25']);
  });

  test('of a full profile are everything without the exceptions, in both families', () => {
    expect(routesOf('full', [], [])).toEqual(['0.0.0.0/0', '::/0']);
    expect(routesOf('full', ['10.0.0.0/8'], ['128.0.0.0/1'])).toEqual(['0.0.0.0/1', '::/0']);
  });

  test('say nothing twice and leave out what is not a prefix', () => {
    expect(routesOf('split', ['10.0.0.0/8', '10.1.0.0/16', '10.0.0.0/8', 'typo'], [])).toEqual(['10.0.0.0/8']);
  });
});

test('subtraction is exact: every address of a small network, against a twin that anyone can read', () => {
  const inside = (p: Prefix, address: bigint) =>
    address >> BigInt(32 - p.length) === p.address >> BigInt(32 - p.length);
  const base = 0x0a000000n; // 10.0.0.0/26: 64 addresses
  for (let length = 26; length <= 32; length++) {
    for (let at = 0; at < 64; at += 1 << (32 - length)) {
      const whole = parse('10.0.0.0/26');
      const hole: Prefix = { family: 4, address: base + BigInt(at), length };
      const rest = subtract(whole, hole);
      for (let i = 0n; i < 64n; i++) {
        const covered = rest.filter((p) => inside(p, base + i)).length;
        expect(covered).toBe(inside(hole, base + i) ? 0 : 1);
      }
    }
  }
});
