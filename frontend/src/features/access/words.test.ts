import { expect, test } from 'vitest';
import { formatPorts, listOf, parsePorts, portText } from './words.ts';

test('ports read as people write them', () => {
  expect(parsePorts('22, 443 8000-8080')).toEqual([
    { first: 22, last: 22 },
    { first: 443, last: 443 },
    { first: 8000, last: 8080 },
  ]);
  expect(parsePorts('')).toEqual([]);
});

test.each(['0', '65536', '90-80', 'ssh', '1-2-3', '-5'])('%s is no list of ports', (text) => {
  expect(parsePorts(text)).toBeUndefined();
});

test('ports write as they read', () => {
  expect(parsePorts(formatPorts([{ first: 1, last: 65535 }]))).toEqual([{ first: 1, last: 65535 }]);
  expect(portText({ transport: 'tcp', ports: [{ first: 22, last: 22 }] })).toBe('tcp/22');
  expect(portText({ transport: 'icmp', ports: [] })).toBe('icmp');
  expect(portText({ transport: 'any', ports: [] })).toBe('');
});

test('names are listed as the language does', () => {
  expect(listOf(['A', 'B'], 'en')).toBe('A and B');
  expect(listOf(['A', 'B'], 'ko')).toBe('A 및 B');
});
