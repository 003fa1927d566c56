import { queryOptions } from '@tanstack/react-query';
import { http, ok, type Schemas } from './http.ts';

export type Group = Schemas['Group'];
export type Resource = Schemas['Resource'];
export type ResourceInput = Schemas['ResourceInput'];
export type Rule = Schemas['Rule'];
export type RuleInput = Schemas['RuleInput'];

export const groupsQuery = () =>
  queryOptions({
    queryKey: ['groups'],
    queryFn: ({ signal }) => ok(http.GET('/groups', { signal })).then((r) => r.items),
  });

export const resourcesQuery = () =>
  queryOptions({
    queryKey: ['resources'],
    queryFn: ({ signal }) => ok(http.GET('/resources', { signal })).then((r) => r.items),
  });

export const rulesQuery = () =>
  queryOptions({
    queryKey: ['rules'],
    queryFn: ({ signal }) => ok(http.GET('/rules', { signal })).then((r) => r.items),
  });

const at = (id: string) => ({ params: { path: { id } } });

export const createResource = (body: ResourceInput) => ok(http.POST('/resources', { body }));
export const updateResource = (id: string, body: ResourceInput) => ok(http.PUT('/resources/{id}', { ...at(id), body }));
export const deleteResource = (id: string) => ok(http.DELETE('/resources/{id}', at(id)));

export const createRule = (body: RuleInput) => ok(http.POST('/rules', { body }));
export const updateRule = (id: string, body: RuleInput) => ok(http.PUT('/rules/{id}', { ...at(id), body }));
export const deleteRule = (id: string) => ok(http.DELETE('/rules/{id}', at(id)));
