import type { Device, Platform } from '../../api/devices.ts';
import type { Profile } from '../../api/profiles.ts';
import { platforms } from '../../wireguard/platform.ts';

export type Step = 'platform' | 'profile' | 'region';
export type Protocol = Device['protocol'];
export type Search = { step?: string; platform?: string; profile?: string; pop?: string; protocol?: string };
export type Region = Profile['regions'][number];

/** What the person has chosen, as the URL keeps it, with what is missing filled in and what is not there left out. */
export type Choice = {
  step: Step;
  platform: Platform;
  profile: Profile | undefined;
  region: Region | undefined;
  protocol: Protocol;
  protocols: Protocol[]; // those that there are to choose from
  regions: Region[]; // ready for that protocol
  steps: Step[];
};

export function readChoice(search: Search, detected: Platform, profiles: Profile[]): Choice {
  const platform = platforms.find((p) => p === search.platform) ?? detected;
  const profile = profiles.find((p) => p.id === search.profile) ?? firstProfile(profiles);
  const protocols = protocolsOf(profile);
  const protocol = protocols.find((p) => p === search.protocol) ?? protocols[0] ?? 'wireguard';
  const regions = (profile?.regions ?? []).map((r) => (protocol === 'openvpn' ? { ...r, ready: r.openvpn } : r));
  const region = regions.find((r) => r.id === search.pop) ?? firstRegion(regions);
  const steps = stepsFor(profile);
  const step = steps.find((s) => s === search.step) ?? 'platform';
  return { step, platform, profile, region, regions, protocol, protocols, steps };
}

/** The region step is left out where there is nothing to choose. With the page that gives the file they are at most four. */
export function stepsFor(profile: Profile | undefined): Step[] {
  return (profile?.regions.length ?? 0) > 1 ? ['platform', 'profile', 'region'] : ['platform', 'profile'];
}

/** How a device of the profile may connect, what is recommended first: OpenVPN where a gateway serves it now. */
export function protocolsOf(profile: Profile | undefined): Protocol[] {
  const served = profile?.regions.some((r) => r.openvpn);
  return (profile?.protocols ?? ['wireguard']).filter((p) => p !== 'openvpn' || served);
}

/** What is preselected: the first that leaves the rest of the traffic alone. */
export function firstProfile(profiles: Profile[]): Profile | undefined {
  return profiles.find((p) => p.mode === 'split') ?? profiles[0];
}

/** The region that a device is pointed at when the person does not say: the first that takes clients now. */
export function firstRegion(regions: Region[]): Region | undefined {
  return regions.find((r) => r.ready) ?? regions[0];
}

/** A name that none of the person's devices has: "iPhone", then "iPhone 2". */
export function freeName(base: string, taken: string[]): string {
  if (!taken.includes(base)) return base;
  let n = 2;
  while (taken.includes(`${base} ${n}`)) n++;
  return `${base} ${n}`;
}
