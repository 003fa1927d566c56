import { queryOptions } from '@tanstack/react-query';
import { http, ok, type Schemas } from './http.ts';

export type AccessRequest = Schemas['AccessRequest'];

export const requestsQuery = (scope: 'mine' | 'decide' | 'run') =>
  queryOptions({
    queryKey: ['requests', scope],
    queryFn: ({ signal }) =>
      ok(http.GET('/access-requests', { params: { query: { scope } }, signal })).then((r) => r.items),
  });

export const requestableQuery = () =>
  queryOptions({
    queryKey: ['requests', 'resources'],
    queryFn: ({ signal }) => ok(http.GET('/access-requests/resources', { signal })).then((r) => r.items),
  });

const at = (id: string) => ({ params: { path: { id } } });

export const askForAccess = (body: { resource: string; reason: string; seconds: number }) =>
  ok(http.POST('/access-requests', { body }));
export const approveAccess = (id: string) => ok(http.POST('/access-requests/{id}/approve', { ...at(id), body: {} }));
export const refuseAccess = (id: string, note?: string) =>
  ok(http.POST('/access-requests/{id}/refuse', { ...at(id), body: { note } }));
export const endAccess = (id: string) => ok(http.POST('/access-requests/{id}/end', at(id)));
