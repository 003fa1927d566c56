import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { http, ok, type Schemas } from './http.ts';

export type Posture = Schemas['Posture'];
export type PostureCheck = Schemas['PostureCheck'];
export type PostureCheckInput = Schemas['PostureCheckInput'];
export type PostureDevice = Schemas['PostureDevice'];
export type PostureException = Posture['exceptions'][number];
export type PostureTimes = Schemas['PostureTimes'];
export type DevicePosture = Schemas['DevicePosture'];
export type CheckResult = DevicePosture['checks'][number];
export type Severity = Schemas['Severity'];

const at = (id: string) => ({ params: { path: { id } } });

/** Under the key of devices, so that it follows them. */
export const devicePostureQuery = (id: string) =>
  queryOptions({
    queryKey: ['devices', 'posture', id],
    queryFn: ({ signal }) => ok(http.GET('/devices/{id}/posture', { ...at(id), signal })),
  });

export const postureQuery = () =>
  queryOptions({
    queryKey: ['posture', 'policy'],
    refetchInterval: 15_000, // facts that change no level are told by nobody
    queryFn: ({ signal }) => ok(http.GET('/posture', { signal })),
  });

export const notPassingQuery = (check: string) =>
  infiniteQueryOptions({
    queryKey: ['posture', 'devices', check],
    queryFn: ({ signal, pageParam }) =>
      ok(
        http.GET('/posture/checks/{id}/devices', {
          params: { path: { id: check }, query: { cursor: pageParam } },
          signal,
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next,
  });

export const createCheck = (body: PostureCheckInput) => ok(http.POST('/posture/checks', { body }));
export const updateCheck = (id: string, body: PostureCheckInput) =>
  ok(http.PUT('/posture/checks/{id}', { ...at(id), body }));
export const deleteCheck = (id: string) => ok(http.DELETE('/posture/checks/{id}', at(id)));
export const createException = (body: Schemas['PostureExceptionInput']) =>
  ok(http.POST('/posture/exceptions', { body }));
export const deleteException = (id: string) => ok(http.DELETE('/posture/exceptions/{id}', at(id)));
export const setPostureTimes = (body: PostureTimes) => ok(http.PUT('/posture/times', { body }));
