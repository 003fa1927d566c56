import { expect, test } from 'vitest';
import { type Column, sortRows, toggleSort } from './columns.ts';

type Row = { name: string; size: number };
const columns: Column<Row>[] = [
  { key: 'name', title: '', cell: () => null, sort: (r) => r.name },
  { key: 'size', title: '', cell: () => null, sort: (r) => r.size },
];
const rows = [
  { name: 'b 10', size: 2 },
  { name: 'b 9', size: 10 },
  { name: 'a', size: 1 },
];
const names = (sort?: string) => sortRows(rows, columns, sort).map((r) => r.name);

test('rows sort by words as people count, by numbers, both ways, and else stay', () => {
  globalThis.document = { documentElement: { lang: 'en' } } as Document;
  expect(names('name')).toEqual(['a', 'b 9', 'b 10']);
  expect(names('-size')).toEqual(['b 9', 'b 10', 'a']);
  expect(names('nothing')).toEqual(['b 10', 'b 9', 'a']);
  expect(names()).toEqual(['b 10', 'b 9', 'a']);
});

test('a heading goes up, down, and back', () => {
  expect([toggleSort(undefined, 'x'), toggleSort('x', 'x'), toggleSort('-x', 'x')]).toEqual(['x', '-x', undefined]);
});
