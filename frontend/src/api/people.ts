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

export const personSessionsQuery = (id: string) =>
  queryOptions({
    queryKey: ['people', 'sessions', id],
    queryFn: ({ signal }) =>
      ok(http.GET('/people/{id}/sessions', { params: { path: { id } }, signal })).then((r) => r.items),
  });

export const personTokensQuery = (id: string) =>
  queryOptions({
    queryKey: ['people', 'tokens', id],
    queryFn: ({ signal }) =>
      ok(http.GET('/people/{id}/tokens', { params: { path: { id } }, signal })).then((r) => r.items),
  });

const at = (id: string) => ({ params: { path: { id } } });

export const suspendPerson = (id: string) => ok(http.POST('/people/{id}/suspend', at(id)));
export const resumePerson = (id: string) => ok(http.POST('/people/{id}/resume', at(id)));
export const setPersonLevel = (id: string, body: Schemas['LevelInput']) =>
  ok(http.PUT('/people/{id}/level', { params: { path: { id } }, body }));
export const setRole = (id: string, role: Role) => ok(http.PUT('/people/{id}/role', { ...at(id), body: { role } }));
export const resetFactors = (id: string) => ok(http.DELETE('/people/{id}/factors', at(id)));

export const endPersonSessions = (id: string) => ok(http.DELETE('/people/{id}/sessions', at(id)));
export const endPersonSession = (id: string, session: string) =>
  ok(http.DELETE('/people/{id}/sessions/{session}', { params: { path: { id, session } } }));
export const endPersonTokens = (id: string) => ok(http.DELETE('/people/{id}/tokens', at(id)));
export const endPersonToken = (id: string, token: string) =>
  ok(http.DELETE('/people/{id}/tokens/{token}', { params: { path: { id, token } } }));
