import { expect, test } from 'vitest';
import { inOrder, startUrl } from './providers.ts';

test('the provider used last comes first, the others keep their order', () => {
  const list = ['a', 'b', 'c'].map((id) => ({ id, name: id }));
  expect(inOrder(list, 'c').map((p) => p.id)).toEqual(['c', 'a', 'b']);
  expect(inOrder(list, 'gone').map((p) => p.id)).toEqual(['a', 'b', 'c']);
});

test.each([
  ['/devices/new?step=profile', true],
  ['/', true],
  ['//evil.example', false],
  ['/\\evil.example', false],
  ['https://evil.example', false],
  ['javascript:alert(1)', false],
  [null, false],
])('the way back %j is taken: %j', (back, taken) => {
  expect(new URLSearchParams(startUrl('demo', back).split('?')[1]).get('return_to')).toBe(taken ? back : null);
});
