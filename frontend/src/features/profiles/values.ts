import { type Profile, type ProfileInput, sessionOf } from '../../api/profiles.ts';

/** What the form holds: numbers may be empty while they are typed, hours stand for seconds. */
export type Values = {
  name: string;
  description: string;
  mode: 'split' | 'full';
  included: string[];
  names: string[];
  excluded: string[];
  dns: string[];
  search: string[];
  match: string[];
  mtu: number | string;
  keepalive: number | string;
  sessionHours: number | string;
  idleMinutes: number | string;
  approval: boolean;
  protocols: Profile['protocols'];
  logoutEndsGrants: boolean;
  maxDevices: number | string;
  groups: string[];
  pops: string[];
};

export const fresh: Values = {
  name: '',
  description: '',
  mode: 'split',
  included: [],
  names: [],
  excluded: [],
  dns: [],
  search: [],
  match: [],
  mtu: 1420,
  keepalive: 25,
  sessionHours: 12,
  idleMinutes: 0,
  approval: false,
  protocols: ['wireguard'],
  logoutEndsGrants: false,
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
    names: p.names,
    excluded: p.excluded,
    dns: p.dns,
    search: p.search,
    match: p.match,
    mtu: p.mtu,
    keepalive: p.keepalive,
    sessionHours: sessionOf(p) / 3600,
    idleMinutes: p.idleSeconds / 60,
    approval: p.approval,
    protocols: p.protocols,
    logoutEndsGrants: p.logoutEndsGrants ?? false,
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
    names: v.mode === 'split' ? v.names : [],
    excluded: v.excluded,
    dns: v.dns,
    search: v.search,
    match: v.match,
    mtu: Number(v.mtu) || 0,
    keepalive: Number(v.keepalive) || 0,
    sessionSeconds: Math.round((Number(v.sessionHours) || 12) * 3600),
    idleSeconds: Math.round((Number(v.idleMinutes) || 0) * 60),
    approval: v.approval,
    protocols: v.protocols,
    logoutEndsGrants: v.logoutEndsGrants,
    maxDevices: Number(v.maxDevices) || 0,
    groups: v.groups,
    pops: v.pops,
  };
}

/** What a person's own network usually is: home routers use the first, everything private is all of them. */
export const localNetworks = {
  home: ['192.168.0.0/16', '169.254.0.0/16', 'fe80::/10'],
  private: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '169.254.0.0/16', 'fc00::/7', 'fe80::/10'],
};

/** Adds what is not in the list yet. */
export const withAll = (list: string[], more: string[]) => [...list, ...more.filter((p) => !list.includes(p))];

/** What the names stand for, as far as the portal has looked them up: those that the profile had when it was saved. */
export const answersOf = (v: Values, saved?: Profile): string[] =>
  v.mode === 'split' && saved && v.names.some((n) => saved.names.includes(n))
    ? saved.answers.map((a) => `${a}/${a.includes(':') ? 128 : 32}`)
    : [];
