import { queryOptions } from '@tanstack/react-query';
import { http, ok, type Schemas } from './http.ts';

export type IdentityProvider = Schemas['IdentityProvider'];
export type ProviderSettings = Schemas['ProviderSettings'];
export type ProviderInput = Schemas['IdentityProviderInput'];
export type ProviderTest = Schemas['ProviderTest'];
export type Identity = Schemas['Identity'];

const at = (id: string) => ({ params: { path: { id } } });

export const identityProvidersQuery = () =>
  queryOptions({
    queryKey: ['identity-providers'],
    queryFn: async ({ signal }) => (await ok(http.GET('/identity-providers', { signal }))).items,
  });

export const createProvider = (id: string, body: ProviderInput) =>
  ok(http.POST('/identity-providers', { body: { id, ...body } }));
export const updateProvider = (id: string, body: ProviderInput) =>
  ok(http.PUT('/identity-providers/{id}', { ...at(id), body }));
export const deleteProvider = (id: string) => ok(http.DELETE('/identity-providers/{id}', at(id)));

/** Begins a sign-in with settings that are not saved. */
export const testProvider = (id: string, body: ProviderInput) =>
  ok(http.POST('/identity-providers/{id}/test', { ...at(id), body }));

const askAgain = 1500; // ms, while somebody is at the provider

/** What came of a test; asked for until there is something. */
export const providerTestQuery = (id: string) =>
  queryOptions({
    queryKey: ['identity-provider-test', id],
    queryFn: ({ signal }) => ok(http.GET('/identity-provider-tests/{id}', { ...at(id), signal })),
    refetchInterval: (query) => (query.state.data?.done || query.state.error ? false : askAgain),
    retry: false,
  });

export const identitiesQuery = () =>
  queryOptions({
    queryKey: ['identities'],
    queryFn: async ({ signal }) => (await ok(http.GET('/identities', { signal }))).items,
  });

export const linkIdentity = (provider: string) => ok(http.POST('/identities', { body: { provider } }));
export const unlinkIdentity = (id: string) => ok(http.DELETE('/identities/{id}', at(id)));

export const personIdentitiesQuery = (id: string) =>
  queryOptions({
    queryKey: ['people', id, 'identities'],
    queryFn: async ({ signal }) => (await ok(http.GET('/people/{id}/identities', { ...at(id), signal }))).items,
  });

export const unlinkPersonIdentity = (id: string, identity: string) =>
  ok(http.DELETE('/people/{id}/identities/{identity}', { params: { path: { id, identity } } }));
