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

/** Everybody's devices; only those that wait for approval or need a new file, where asked. */
export const allDevicesQuery = (q: string, only?: 'pending' | 'outdated') =>
  infiniteQueryOptions({
    queryKey: ['devices', 'all', q, only],
    queryFn: ({ signal, pageParam }) =>
      ok(
        http.GET('/devices', {
          params: { query: { scope: 'all', q: q || undefined, only, cursor: pageParam } },
          signal,
        }),
      ),
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

export const deviceConfigQuery = (id: string) =>
  queryOptions({
    queryKey: ['devices', 'config', id],
    queryFn: ({ signal }) =>
      ok(http.GET('/devices/{id}/config', { params: { path: { id } }, signal })).then((c) => c as WireGuardConfig), // JSON unless asked otherwise
  });

export const createDevice = (body: Schemas['NewDevice']) => ok(http.POST('/devices', { body }));

export const createOpenVPNDevice = (body: Schemas['NewOpenVPNDevice']) => ok(http.POST('/openvpn/devices', { body }));

/** Gives a device of OpenVPN a new certificate, and with it a new file; the old one stops working. */
export const replaceCertificate = (id: string, csr: string) =>
  ok(http.PUT('/devices/{id}/certificate', { params: { path: { id } }, body: { csr } }));

export const renameDevice = (id: string, name: string) =>
  ok(http.PATCH('/devices/{id}', { params: { path: { id } }, body: { name } }));

export const revokeDevice = (id: string) => ok(http.DELETE('/devices/{id}', { params: { path: { id } } }));

export const replaceKey = (id: string, publicKey: string) =>
  ok(http.PUT('/devices/{id}/key', { params: { path: { id } }, body: { publicKey } }));

/** Says that the device has this version of its file now. */
export const noteDeviceFile = (id: string, version: string) =>
  ok(http.PUT('/devices/{id}/file', { params: { path: { id } }, body: { version } }));

export const approveDevice = (id: string) => ok(http.POST('/devices/{id}/approve', { params: { path: { id } } }));
export const refuseDevice = (id: string) => ok(http.POST('/devices/{id}/refuse', { params: { path: { id } } }));
export const setDeviceLevel = (id: string, body: Schemas['LevelInput']) =>
  ok(http.PUT('/devices/{id}/level', { params: { path: { id } }, body }));
export const suspendDevice = (id: string) => ok(http.POST('/devices/{id}/suspend', { params: { path: { id } } }));
export const resumeDevice = (id: string) => ok(http.POST('/devices/{id}/resume', { params: { path: { id } } }));

export const renewGrants = () => ok(http.POST('/grants/renew'));
