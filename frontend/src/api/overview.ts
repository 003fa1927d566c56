import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { http, ok, type Schemas } from './http.ts';

export type Overview = Schemas['Overview'];
export type AuditEvent = Schemas['AuditEvent'];

export const overviewQuery = () =>
  queryOptions({ queryKey: ['overview'], queryFn: ({ signal }) => ok(http.GET('/overview', { signal })) });

export const auditQuery = (limit = 50, q = '') =>
  infiniteQueryOptions({
    queryKey: ['audit', limit, q],
    queryFn: ({ signal, pageParam }) =>
      ok(http.GET('/audit', { params: { query: { q: q || undefined, cursor: pageParam, limit } }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next,
  });

export type AuditReport = Schemas['AuditReport'];
export const verifyAudit = () => ok(http.POST('/audit/verify', { body: {} }));

/** Where the trail is as a file; the browser saves it. */
export const auditFile = (format: 'jsonl' | 'csv', q = '') =>
  `/api/v1/audit/export?${new URLSearchParams(q ? { format, q } : { format })}`;
