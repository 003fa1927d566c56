import { queryOptions } from '@tanstack/react-query';
import { http, ok, type Schemas } from './http.ts';

export type Gateway = Schemas['Gateway'];
export type Pop = Schemas['Pop'];
export type Enrolment = Schemas['Enrolment'];

export const gatewaysQuery = () =>
  queryOptions({ queryKey: ['gateways', 'list'], queryFn: ({ signal }) => ok(http.GET('/gateways', { signal })) });

export const gatewayQuery = (id: string) =>
  queryOptions({
    queryKey: ['gateways', 'one', id],
    queryFn: ({ signal }) => ok(http.GET('/gateways/{id}', { params: { path: { id } }, signal })),
  });

export const popsQuery = () =>
  queryOptions({
    queryKey: ['pops'],
    queryFn: ({ signal }) => ok(http.GET('/pops', { signal })).then((r) => r.items),
  });

const at = (id: string) => ({ params: { path: { id } } });

export const createPop = (body: Schemas['PopInput']) => ok(http.POST('/pops', { body }));
export const updatePop = (id: string, body: Schemas['PopInput']) => ok(http.PUT('/pops/{id}', { ...at(id), body }));
export const deletePop = (id: string) => ok(http.DELETE('/pops/{id}', at(id)));

export const createGateway = (body: { name: string; pop: string; host: string; port: number }) =>
  ok(http.POST('/gateways', { body }));
export const newEnrolment = (id: string) => ok(http.POST('/gateways/{id}/enrolment', at(id)));
export const drainGateway = (id: string) => ok(http.POST('/gateways/{id}/drain', at(id)));
export const undrainGateway = (id: string) => ok(http.POST('/gateways/{id}/undrain', at(id)));
export const retireGateway = (id: string) => ok(http.POST('/gateways/{id}/retire', at(id)));
