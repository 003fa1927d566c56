import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { http, ok, type Schemas } from './http.ts';

export type AuditEvent = Schemas['AuditEvent'];
export type AuditReport = Schemas['AuditReport'];
export type AuditSink = Schemas['AuditSink'];

/** What the trail is searched by: `action` is the beginning of one; from and until are instants, the second one excluded. */
export type AuditFilter = {
  q?: string;
  action?: string;
  actor?: string;
  target?: string;
  from?: string;
  until?: string;
};

/** The newest first. The event stream has it asked again as it grows, unless it is to stay as it is. */
export const auditQuery = (limit: number, filter: AuditFilter = {}, follow = true) =>
  infiniteQueryOptions({
    queryKey: [follow ? 'audit' : 'audit-still', limit, filter],
    queryFn: ({ signal, pageParam }) =>
      ok(http.GET('/audit', { params: { query: { ...filter, cursor: pageParam, limit } }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next,
  });

/** Where the trail is as a file; the browser saves it. */
export function auditFile(format: 'jsonl' | 'csv', filter: AuditFilter): string {
  const query = new URLSearchParams({ format });
  for (const [name, value] of Object.entries(filter)) if (value) query.set(name, value);
  return `/api/v1/audit/export?${query}`;
}

/** Proves the chain; with an anchor, also that nothing was cut off since. */
export const verifyAudit = (anchor: string) => ok(http.POST('/audit/verify', { body: anchor ? { anchor } : {} }));

export const auditSinksQuery = () =>
  queryOptions({
    queryKey: ['audit', 'sinks'],
    queryFn: ({ signal }) => ok(http.GET('/audit/sinks', { signal })),
    refetchInterval: 5_000, // what a receiver has got is no event
  });
