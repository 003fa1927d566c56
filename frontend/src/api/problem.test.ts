import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import en from '../i18n/en.json';
import ko from '../i18n/ko.json';
import { problemText } from '../ui/problem-text.ts';
import { asProblem, Problem } from './problem.ts';

describe('a problem', () => {
  test('keeps what the portal said', () => {
    const p = asProblem({
      type: '/problems/pool_full',
      title: 'Full',
      status: 409,
      code: 'pool_full',
      requestId: 'r1',
    });
    expect([p.code, p.status, p.title, p.requestId]).toEqual(['pool_full', 409, 'Full', 'r1']);
  });

  test('is "network" when nothing answered and "unreadable" when something else did', () => {
    expect(asProblem(new TypeError('Failed to fetch')).code).toBe('network');
    const answer = new Response('<html>', { status: 502, headers: { 'X-Request-Id': 'r2' } });
    expect(asProblem('<html>', answer)).toMatchObject({ code: 'unreadable', status: 502, requestId: 'r2' });
  });

  test('finds the form’s field by the pointer', () => {
    const p = new Problem({
      code: 'invalid_input',
      errors: [
        { path: '/included/3', code: 'malformed', message: 'first' },
        { path: '/included/5', code: 'malformed', message: 'second' },
        { path: 'q', code: 'too_long', message: 'long' },
      ],
    });
    expect(p.byField()).toEqual({ included: 'first', q: 'long' });
  });

  test('is told in the reader’s words by code, and else in the portal’s', () => {
    expect(problemText(ko.problems, new Problem({ code: 'pool_full', title: 'No address' })).what).toContain('주소');
    expect(problemText(en.problems, new Problem({ code: 'quite_new', title: 'Server words', status: 409 }))).toEqual({
      what: 'Server words',
      next: '',
    });
    expect(problemText(en.problems, new Problem({ code: 'quite_new', status: 500 })).what).toBe(
      en.problems.unknown.what,
    );
  });
});

// What a browser may see is declared in these files; each code has its words here.
const declared = [
  'auth/errors.go',
  'auth/service.go',
  'api/problem.go',
  'peers/errors.go',
  'portal/errors.go',
  'portal/role.go',
  'portal/pool.go',
  'portal/key.go',
];
const notShown = new Set(['pool']); // only an operator's configuration can be that wrong

test.each(declared)('every code of %s has words in both languages', (file) => {
  const source = readFileSync(join(import.meta.dirname, '../../..', file), 'utf8');
  const codes = [...source.matchAll(/&(?:portal\.)?Error\{Kind: [^}]*?Code: "(\w+)"/g)].map((m) => m[1] ?? '');
  const missing = codes.filter((code) => !notShown.has(code) && !(code in en.problems && code in ko.problems));
  expect(missing).toEqual([]);
});
