import type { Problem } from '../api/problem.ts';

/** The part of a catalogue that speaks of problems: what happened and why, and what to do next, by code. */
export type ProblemCatalogue = Record<string, { what: string; next: string }>;

/** The words for a problem: the catalogue's by code, else the portal's own sentence. `next` may be ''. */
export function problemText(
  catalogue: ProblemCatalogue,
  problem: Pick<Problem, 'code' | 'title' | 'detail' | 'status'>,
) {
  const known = catalogue[problem.code];
  if (known) return known;
  const what = problem.detail || problem.title;
  const next = (problem.status >= 500 || problem.status === 0 ? catalogue.internal?.next : '') ?? '';
  return { what: what || (catalogue.unknown?.what ?? problem.code), next };
}
