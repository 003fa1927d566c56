import { type ReactNode, useState } from 'react';

export type Column<T> = {
  key: string;
  title: string;
  cell: (row: T) => ReactNode;
  sort?: (row: T) => string | number;
  main?: boolean; // heads the card that a row is on a phone
  numeric?: boolean;
  optional?: boolean; // may be hidden
  hidden?: boolean; // is hidden until somebody asks for it
  wrap?: boolean; // long text, in several lines
};

/** Sorts by 'key' or '-key'; an unknown key leaves the portal's order. Words go by the reader's alphabet. */
export function sortRows<T>(rows: T[], columns: Column<T>[], sort: string | undefined): T[] {
  const by = columns.find((c) => c.key === sort?.replace(/^-/, ''))?.sort;
  if (!by) return rows;
  const sign = sort?.startsWith('-') ? -1 : 1;
  return [...rows].sort((a, b) => sign * compare(by(a), by(b)));
}

/** Ascending, descending, then as it came. */
export function toggleSort(sort: string | undefined, key: string): string | undefined {
  if (sort === key) return `-${key}`;
  return sort === `-${key}` ? undefined : key;
}

/** Which columns of a table this browser leaves out. */
export function useHiddenColumns<T>(table: string, columns: Column<T>[]): [Set<string>, (hidden: Set<string>) => void] {
  const key = `sallyport.columns.${table}`;
  const [hidden, setHidden] = useState(() => read(key) ?? new Set(columns.filter((c) => c.hidden).map((c) => c.key)));
  const change = (next: Set<string>) => {
    setHidden(next);
    try {
      localStorage.setItem(key, JSON.stringify([...next]));
    } catch {
      // private mode: the choice lasts as long as the page
    }
  };
  return [hidden, change];
}

function compare(a: string | number, b: string | number): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return String(a).localeCompare(String(b), document.documentElement.lang, { numeric: true });
}

function read(key: string): Set<string> | undefined {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(key) ?? 'null');
    return Array.isArray(kept) ? new Set(kept.map(String)) : undefined;
  } catch {
    return undefined;
  }
}
