import { describe, expect, test } from 'vitest';
import type { Profile } from '../../api/profiles.ts';
import { freeName, type Region, readChoice, stepsFor } from './steps.ts';

const region = (id: string, ready: boolean): Region => ({ id, name: id, ready, openvpn: false });
const profile = (id: string, mode: 'split' | 'full', regions: Region[]) => ({ id, name: id, mode, regions }) as Profile;

const all = profile('all', 'full', [region('seoul', true)]);
const office = profile('office', 'split', [region('iad', false), region('seoul', true), region('fra', true)]);

describe('the wizard', () => {
  test('has at most four steps with the page that gives the file, and no region step without a choice', () => {
    expect(stepsFor(office)).toEqual(['platform', 'profile', 'region']);
    expect(stepsFor(all)).toEqual(['platform', 'profile']);
    expect(stepsFor(undefined)).toEqual(['platform', 'profile']);
  });

  test('preselects this device, the profile that leaves other traffic alone, and a region that takes clients', () => {
    const choice = readChoice({}, 'macos', [all, office]);
    expect([choice.step, choice.platform, choice.profile?.id, choice.region?.id]).toEqual([
      'platform',
      'macos',
      'office',
      'seoul',
    ]);
  });

  test('keeps what the URL says and forgets what is not there', () => {
    const kept = readChoice({ step: 'region', platform: 'server', profile: 'office', pop: 'fra' }, 'macos', [
      all,
      office,
    ]);
    expect([kept.step, kept.platform, kept.region?.id]).toEqual(['region', 'server', 'fra']);
    const lost = readChoice({ step: 'region', platform: 'toaster', profile: 'gone', pop: 'mars' }, 'linux', [all]);
    expect([lost.step, lost.platform, lost.profile?.id, lost.region?.id]).toEqual([
      'platform',
      'linux',
      'all',
      'seoul',
    ]);
  });

  test('suggests a name that is free', () => {
    expect(freeName('iPhone', [])).toBe('iPhone');
    expect(freeName('iPhone', ['iPhone', 'iPhone 2'])).toBe('iPhone 3');
  });
});
