import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { http, ok, type Schemas } from './http.ts';

export type Overview = Schemas['Overview'];
export type AuditEvent = Schemas['AuditEvent'];

export const overviewQuery = () =>
  queryOptions({ queryKey: ['overview'], queryFn: ({ signal }) => ok(http.GET('/overview', { signal })) });

export const auditQuery = (limit = 50) =>
  infiniteQueryOptions({
    queryKey: ['audit', limit],
    queryFn: ({ signal, pageParam }) =>
      ok(http.GET('/audit', { params: { query: { cursor: pageParam, limit } }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next,
  });
