import { queryOptions } from '@tanstack/react-query';
import { http, ok, type Schemas } from './http.ts';

export type FactorPolicy = Schemas['FactorPolicy'];
export type GroupFactorPolicy = Schemas['GroupFactorPolicy'];

export const factorPoliciesQuery = () =>
  queryOptions({
    queryKey: ['factor-policies'],
    queryFn: ({ signal }) => ok(http.GET('/factor-policies', { signal })),
  });

const at = (id: string) => ({ params: { path: { id } } });

export const setFactorPolicy = (group: string, body: FactorPolicy) =>
  ok(http.PUT('/factor-policies/{id}', { ...at(group), body }));
export const deleteFactorPolicy = (group: string) => ok(http.DELETE('/factor-policies/{id}', at(group)));
