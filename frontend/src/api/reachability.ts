import { queryOptions } from '@tanstack/react-query';
import { http, ok, type Schemas } from './http.ts';

export type Reachability = Schemas['Reachability'];
export type ReachabilityQuery = Schemas['ReachabilityQuery'];
export type Step = Schemas['ReachabilityStep'];
export type PolicyTest = Schemas['PolicyTest'];
export type PolicyTestInput = Schemas['PolicyTestInput'];
export type PolicyChange = Partial<Schemas['PolicyChange']>;
export type PolicyPreview = Schemas['PolicyPreview'];
export type PolicyDiff = Schemas['PolicyDiff'];

export const explain = (body: ReachabilityQuery) => ok(http.POST('/reachability', { body }));

export const policyTestsQuery = () =>
  queryOptions({
    queryKey: ['policyTests'],
    queryFn: ({ signal }) => ok(http.GET('/policy/tests', { signal })).then((r) => r.items),
  });

const at = (id: string) => ({ params: { path: { id } } });

export const createPolicyTest = (body: PolicyTestInput) => ok(http.POST('/policy/tests', { body }));
export const deletePolicyTest = (id: string) => ok(http.DELETE('/policy/tests/{id}', at(id)));

export const previewQuery = (change: PolicyChange) =>
  queryOptions({
    queryKey: ['policyPreview', change],
    queryFn: ({ signal }) =>
      ok(http.POST('/policy/preview', { body: { delete: false, examples: 20, ...change }, signal })),
    retry: false,
    staleTime: 5_000,
  });

export const exportPolicy = () => ok(http.GET('/policy/document')).then((r) => r.document);
export const diffPolicy = (document: string, prune: boolean) =>
  ok(http.POST('/policy/diff', { body: { document, prune } }));
export const applyPolicy = (document: string, prune: boolean) =>
  ok(http.POST('/policy/apply', { body: { document, prune } }));
