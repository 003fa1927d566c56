import type { Problem } from '../../api/problem.ts';
import type en from '../../i18n/admin/en.json';

export type Said = keyof typeof en.providerProblem;

/** What is wrong with a field that has a sentence of its own, by the portal's code. */
const byCode: Record<string, Said> = {
  other_claim: 'other_claim',
  people_known: 'people_known',
  needs_groups_claim: 'needs_groups_claim',
  needed_again: 'needed_again',
};

/** What else can be wrong with a field: it is not what belongs there. */
const byField: Record<string, Said> = {
  id: 'id',
  name: 'name',
  issuer: 'issuer',
  clientId: 'clientId',
  clientSecret: 'clientSecret',
  subjectClaim: 'subjectClaim',
  nameClaim: 'claim',
  emailClaim: 'claim',
  groupsClaim: 'claim',
  scopes: 'words',
  acrValues: 'words',
  trustAmr: 'words',
  trustAcr: 'words',
  ownerGroups: 'groups',
  adminGroups: 'groups',
  networkAdminGroups: 'groups',
  helpDeskGroups: 'groups',
  auditorGroups: 'groups',
  domains: 'domains',
  maxAge: 'maxAge',
};

export type FieldProblems = Record<string, string>;

/** What is wrong, in the reader's words, by the name of the form's field: `/settings/issuer` is `issuer`, `/settings/domains/2` is `domains`. */
export function fieldProblems(problem: Problem | null, say: (key: Said) => string): FieldProblems {
  const out: FieldProblems = {};
  for (const f of problem?.fields ?? []) {
    const name = f.path.replace(/^\/(settings\/)?/, '').split('/')[0] ?? '';
    if (!name || name in out) continue;
    const key = byCode[f.code] ?? byField[name];
    out[name] = key ? say(key) : f.message;
  }
  if (problem?.code === 'provider_taken') out.id = problem.message;
  return out;
}

/** Whether the form has a place for everything that is wrong. */
export const allShown = (problem: Problem | null) =>
  (problem?.fields ?? []).every((f) => (f.path.replace(/^\/(settings\/)?/, '').split('/')[0] ?? '') in byField);
