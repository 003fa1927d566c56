import { queryOptions } from '@tanstack/react-query';
import { http, ok, type Schemas } from './http.ts';

export type Profile = Schemas['Profile'];
export type ProfileInput = Schemas['ProfileInput'];

const defaultSession = 12 * 60 * 60; // seconds, where the profile does not say

/** How long a device may connect after a renewal, in seconds. */
export const sessionOf = (profile: Pick<Profile, 'sessionSeconds'>) => profile.sessionSeconds || defaultSession;

export const profilesQuery = (scope: 'mine' | 'all') =>
  queryOptions({
    queryKey: ['profiles', scope],
    queryFn: ({ signal }) => ok(http.GET('/profiles', { params: { query: { scope } }, signal })).then((r) => r.items),
  });

export const createProfile = (body: ProfileInput) => ok(http.POST('/profiles', { body }));
export const updateProfile = (id: string, body: ProfileInput) =>
  ok(http.PUT('/profiles/{id}', { params: { path: { id } }, body }));
export const deleteProfile = (id: string) => ok(http.DELETE('/profiles/{id}', { params: { path: { id } } }));
