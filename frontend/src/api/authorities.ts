import { queryOptions } from '@tanstack/react-query';
import { http, ok, type Schemas } from './http.ts';

export type Authority = Schemas['Authority'];

/** The certificate authorities of OpenVPN, oldest first. */
export const authoritiesQuery = () =>
  queryOptions({
    queryKey: ['authorities'],
    queryFn: ({ signal }) => ok(http.GET('/openvpn/authorities', { signal })).then((r) => r.items),
  });

export const rotateAuthority = () => ok(http.POST('/openvpn/authorities/rotate'));

/** Ends a rotation; with cut also where devices have certificates of the authority of before. */
export const finishRotation = (cut: boolean) => ok(http.POST('/openvpn/authorities/finish', { body: { cut } }));

/** Where the revocation list of an authority is. */
export const revocationList = (id: string) => `/api/v1/openvpn/authorities/${id}/crl`;
