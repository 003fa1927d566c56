import { queryOptions } from '@tanstack/react-query';
import { http, ok, type Schemas } from './http.ts';

export type Scim = Schemas['Scim'];
export type ScimToken = Schemas['ScimToken'];
export type NewScimToken = { name: string; issuer: string; subject: ScimToken['subject']; days: number };

export const scimQuery = () =>
  queryOptions({ queryKey: ['scim'], queryFn: ({ signal }) => ok(http.GET('/scim', { signal })) });

export const createScimToken = (body: NewScimToken) => ok(http.POST('/scim/tokens', { body }));
export const revokeScimToken = (id: string) => ok(http.DELETE('/scim/tokens/{id}', { params: { path: { id } } }));
