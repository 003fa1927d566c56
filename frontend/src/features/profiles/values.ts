import { type Profile, type ProfileInput, sessionOf } from '../../api/profiles.ts';

/** What the form holds: numbers may be empty while they are typed, hours stand for seconds. */
export type Values = {
  name: string;
  description: string;
  mode: 'split' | 'full';
  included: string[];
  excluded: string[];
  dns: string[];
  search: string[];
  mtu: number | string;
  keepalive: number | string;
  sessionHours: number | string;
  maxDevices: number | string;
  groups: string[];
  pops: string[];
};

export const fresh: Values = {
  name: '',
  description: '',
  mode: 'split',
  included: [],
  excluded: [],
  dns: [],
  search: [],
  mtu: 1420,
  keepalive: 25,
  sessionHours: 12,
  maxDevices: 5,
  groups: [],
  pops: [],
};

export function valuesOf(p: Profile): Values {
  return {
    name: p.name,
    description: p.description,
    mode: p.mode,
    included: p.included,
    excluded: p.excluded,
    dns: p.dns,
    search: p.search,
    mtu: p.mtu,
    keepalive: p.keepalive,
    sessionHours: sessionOf(p) / 3600,
    maxDevices: p.maxDevices,
    groups: p.groups,
    pops: p.pops,
  };
}

export function inputOf(v: Values): ProfileInput {
  return {
    name: v.name.trim(),
    description: v.description.trim(),
    mode: v.mode,
    included: v.mode === 'split' ? v.included : [],
    excluded: v.excluded,
    dns: v.dns,
    search: v.search,
    mtu: Number(v.mtu) || 0,
    keepalive: Number(v.keepalive) || 0,
    sessionSeconds: Math.round((Number(v.sessionHours) || 12) * 3600),
    maxDevices: Number(v.maxDevices) || 0,
    groups: v.groups,
    pops: v.pops,
  };
}
