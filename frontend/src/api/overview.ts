import { queryOptions } from '@tanstack/react-query';
import { http, ok, type Schemas } from './http.ts';

export type Overview = Schemas['Overview'];

export const overviewQuery = () =>
  queryOptions({ queryKey: ['overview'], queryFn: ({ signal }) => ok(http.GET('/overview', { signal })) });

/** What waits for a decision of the person's; the side menu shows it on every page. */
export const waitingQuery = () =>
  queryOptions({ queryKey: ['waiting'], queryFn: ({ signal }) => ok(http.GET('/waiting', { signal })) });
