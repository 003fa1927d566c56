import { queryOptions } from '@tanstack/react-query';
import { http, ok, type Schemas } from './http.ts';

export type RoleTable = Schemas['RoleTable'];
export type RoleHolders = RoleTable['roles'][number];
export type Holder = RoleHolders['holders'][number];

export const rolesQuery = () =>
  queryOptions({ queryKey: ['roles'], queryFn: ({ signal }) => ok(http.GET('/roles', { signal })) });
