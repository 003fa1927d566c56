import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { http, ok, type Schemas } from './http.ts';

export type Person = Schemas['Person'];
export type Role = Schemas['Role'];

export const peopleQuery = (q: string) =>
  infiniteQueryOptions({
    queryKey: ['people', 'list', q],
    queryFn: ({ signal, pageParam }) =>
      ok(http.GET('/people', { params: { query: { q: q || undefined, cursor: pageParam } }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next,
  });

export const personQuery = (id: string) =>
  queryOptions({
    queryKey: ['people', 'one', id],
    queryFn: ({ signal }) => ok(http.GET('/people/{id}', { params: { path: { id } }, signal })),
  });

export const personFactorsQuery = (id: string) =>
  queryOptions({
    queryKey: ['people', 'factors', id],
    queryFn: ({ signal }) => ok(http.GET('/people/{id}/factors', { params: { path: { id } }, signal })),
  });

const at = (id: string) => ({ params: { path: { id } } });

export const suspendPerson = (id: string) => ok(http.POST('/people/{id}/suspend', at(id)));
export const resumePerson = (id: string) => ok(http.POST('/people/{id}/resume', at(id)));
export const setRole = (id: string, role: Role) => ok(http.PUT('/people/{id}/role', { ...at(id), body: { role } }));
export const resetFactors = (id: string) => ok(http.DELETE('/people/{id}/factors', at(id)));
