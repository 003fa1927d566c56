import { queryOptions } from '@tanstack/react-query';
import { http, ok, type Schemas } from './http.ts';
import { makePasskey, signWithPasskey } from './passkey.ts';

export type Session = Schemas['Session'];
export type BrowserSession = Schemas['BrowserSession'];
export type Factors = Schemas['Factors'];
export type Factor = Schemas['Factor'];
export type FactorKind = Schemas['FactorKind'];
export type FactorWays = Schemas['FactorWays'];
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

/** What this session may show or set up as its second factor. */
export const waysQuery = () =>
  queryOptions({
    queryKey: ['factors', 'ways'],
    queryFn: ({ signal }) => ok(http.GET('/session/ways', { signal })),
    staleTime: 10_000,
  });

export const tokensQuery = () =>
  queryOptions({
    queryKey: ['tokens'],
    queryFn: ({ signal }) => ok(http.GET('/tokens', { signal })),
  });

/** Ends the session, and returns where the provider ends its own, if it does. */
export const signOut = () => ok<{ redirect: string } | undefined>(http.DELETE('/session'));
/** Ends every session but this one. */
export const endOtherSessions = () => ok(http.DELETE('/sessions'));
export const endSession = (id: string) => ok(http.DELETE('/sessions/{id}', { params: { path: { id } } }));

export const beginTotp = () => ok(http.POST('/factors/totp'));
export const confirmTotp = (code: string) => ok(http.POST('/factors/totp/confirm', { body: { code } }));
export const verifyTotp = (code: string) => ok(http.POST('/session/totp', { body: { code } }));
export const verifyRecovery = (code: string) => ok(http.POST('/session/recovery', { body: { code } }));
/** Shows a passkey of the person as the second factor. */
export const verifyPasskey = async () => {
  const credential = await signWithPasskey(await ok(http.POST('/session/passkey/challenge')));
  return ok(http.POST('/session/passkey', { body: { credential } }));
};

/** Lets the browser make a passkey and takes it. */
export const addPasskey = async (name: string) => {
  const credential = await makePasskey(await ok(http.POST('/factors/passkeys')));
  return ok(http.POST('/factors/passkeys/confirm', { body: { name, credential } }));
};

export const renameFactor = (id: string, name: string) =>
  ok(http.PATCH('/factors/{id}', { params: { path: { id } }, body: { name } }));
export const removeFactor = (id: string) => ok(http.DELETE('/factors/{id}', { params: { path: { id } } }));
export const newRecoveryCodes = () => ok(http.POST('/factors/recovery-codes'));

/** scopes is what the token is limited to; undefined for all that its person may do. */
export const createToken = (name: string, days: number, scopes?: string[]) =>
  ok(http.POST('/tokens', { body: { name, days, scopes } }));
export const deleteToken = (id: string) => ok(http.DELETE('/tokens/{id}', { params: { path: { id } } }));
