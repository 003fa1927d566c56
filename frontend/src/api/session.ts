import { queryOptions } from '@tanstack/react-query';
import { http, ok, type Schemas } from './http.ts';

export type Session = Schemas['Session'];
export type BrowserSession = Schemas['BrowserSession'];
export type Factors = Schemas['Factors'];
export type Token = Schemas['Token'];

export const sessionQuery = () =>
  queryOptions({
    queryKey: ['session'],
    queryFn: ({ signal }) => ok(http.GET('/session', { signal })),
    staleTime: 60_000,
    retry: false,
  });

export const signInQuery = () =>
  queryOptions({
    queryKey: ['sign-in'],
    queryFn: ({ signal }) => ok(http.GET('/sign-in', { signal })),
    staleTime: Number.POSITIVE_INFINITY,
  });

export const sessionsQuery = () =>
  queryOptions({
    queryKey: ['sessions'],
    queryFn: ({ signal }) => ok(http.GET('/sessions', { signal })).then((r) => r.items),
  });

export const factorsQuery = () =>
  queryOptions({ queryKey: ['factors'], queryFn: ({ signal }) => ok(http.GET('/factors', { signal })) });

export const tokensQuery = () =>
  queryOptions({
    queryKey: ['tokens'],
    queryFn: ({ signal }) => ok(http.GET('/tokens', { signal })).then((r) => r.items),
  });

export const signOut = () => ok(http.DELETE('/session'));
export const endSession = (id: string) => ok(http.DELETE('/sessions/{id}', { params: { path: { id } } }));

export const beginTotp = () => ok(http.POST('/factors/totp'));
export const confirmTotp = (code: string) => ok(http.POST('/factors/totp/confirm', { body: { code } }));
export const verifyTotp = (code: string) => ok(http.POST('/session/totp', { body: { code } }));
export const verifyRecovery = (code: string) => ok(http.POST('/session/recovery', { body: { code } }));
export const newRecoveryCodes = () => ok(http.POST('/factors/recovery-codes'));

export const createToken = (name: string, days: number) => ok(http.POST('/tokens', { body: { name, days } }));
export const deleteToken = (id: string) => ok(http.DELETE('/tokens/{id}', { params: { path: { id } } }));
