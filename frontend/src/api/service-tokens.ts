import { queryOptions } from '@tanstack/react-query';
import { http, ok, type Schemas } from './http.ts';

export type ServiceToken = Schemas['ServiceToken'];
export type NewServiceToken = { name: string; role: Schemas['Role']; scopes: string[]; days: number };

export const serviceTokensQuery = () =>
  queryOptions({ queryKey: ['service-tokens'], queryFn: ({ signal }) => ok(http.GET('/service-tokens', { signal })) });

export const createServiceToken = (body: NewServiceToken) => ok(http.POST('/service-tokens', { body }));
export const deleteServiceToken = (id: string) => ok(http.DELETE('/service-tokens/{id}', { params: { path: { id } } }));
