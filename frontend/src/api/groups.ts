import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { http, ok, type Schemas } from './http.ts';

export type Group = Schemas['Group'];
export type GroupDetail = Schemas['GroupDetail'];
export type GroupMember = Schemas['GroupMember'];
export type GroupSource = Schemas['GroupSource'];

/** A page at a time: a directory may bring thousands. What picks one of all asks groupsQuery. */
export const groupPagesQuery = (q: string) =>
  infiniteQueryOptions({
    queryKey: ['groups', 'pages', q],
    queryFn: ({ signal, pageParam }) =>
      ok(http.GET('/groups', { params: { query: { q: q || undefined, cursor: pageParam, limit: 50 } }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next,
  });

export const groupQuery = (id: string) =>
  queryOptions({
    queryKey: ['groups', 'one', id],
    queryFn: ({ signal }) => ok(http.GET('/groups/{id}', { params: { path: { id } }, signal })),
  });

export const membersQuery = (id: string, q: string) =>
  infiniteQueryOptions({
    queryKey: ['groups', 'members', id, q],
    queryFn: ({ signal, pageParam }) =>
      ok(
        http.GET('/groups/{id}/members', {
          params: { path: { id }, query: { q: q || undefined, cursor: pageParam } },
          signal,
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next,
  });

const at = (id: string) => ({ params: { path: { id } } });

export const createGroup = (name: string) => ok(http.POST('/groups', { body: { name } }));
export const renameGroup = (id: string, name: string) => ok(http.PATCH('/groups/{id}', { ...at(id), body: { name } }));
export const deleteGroup = (id: string) => ok(http.DELETE('/groups/{id}', at(id)));
export const addMember = (id: string, person: string) =>
  ok(http.PUT('/groups/{id}/members/{person}', { params: { path: { id, person } } }));
export const removeMember = (id: string, person: string) =>
  ok(http.DELETE('/groups/{id}/members/{person}', { params: { path: { id, person } } }));
