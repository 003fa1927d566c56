import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { http, ok, type Schemas } from './http.ts';

export type Device = Schemas['Device'];
export type DeviceStatus = Device['status'];
export type Platform = Schemas['Platform'];
export type WireGuardConfig = Schemas['WireGuardConfig'];

export const myDevicesQuery = () =>
  queryOptions({
    queryKey: ['devices', 'mine'],
    queryFn: ({ signal }) =>
      ok(http.GET('/devices', { params: { query: { scope: 'mine', limit: 200 } }, signal })).then((r) => r.items),
  });

export const allDevicesQuery = (q: string) =>
  infiniteQueryOptions({
    queryKey: ['devices', 'all', q],
    queryFn: ({ signal, pageParam }) =>
      ok(http.GET('/devices', { params: { query: { scope: 'all', q: q || undefined, cursor: pageParam } }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next,
  });

export const devicesOfQuery = (owner: string) =>
  queryOptions({
    queryKey: ['devices', 'of', owner],
    queryFn: ({ signal }) =>
      ok(http.GET('/devices', { params: { query: { scope: 'all', owner, limit: 200 } }, signal })).then((r) => r.items),
  });

export const deviceQuery = (id: string) =>
  queryOptions({
    queryKey: ['devices', 'one', id],
    queryFn: ({ signal }) => ok(http.GET('/devices/{id}', { params: { path: { id } }, signal })),
  });

export const createDevice = (body: Schemas['NewDevice']) => ok(http.POST('/devices', { body }));

export const renameDevice = (id: string, name: string) =>
  ok(http.PATCH('/devices/{id}', { params: { path: { id } }, body: { name } }));

export const revokeDevice = (id: string) => ok(http.DELETE('/devices/{id}', { params: { path: { id } } }));

export const replaceKey = (id: string, publicKey: string) =>
  ok(http.PUT('/devices/{id}/key', { params: { path: { id } }, body: { publicKey } }));

export const suspendDevice = (id: string) => ok(http.POST('/devices/{id}/suspend', { params: { path: { id } } }));
export const resumeDevice = (id: string) => ok(http.POST('/devices/{id}/resume', { params: { path: { id } } }));

export const renewGrants = () => ok(http.POST('/grants/renew'));
