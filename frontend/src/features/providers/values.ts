import type { IdentityProvider, ProviderInput, ProviderSettings } from '../../api/identity-providers.ts';
import { facts, type Preset, presetOfIssuer } from './presets.ts';

/** What the form holds: every field has a value, so that nothing is undefined on the way. */
export type Values = Required<Omit<ProviderSettings, 'maxAge'>> & {
  id: string;
  enabled: boolean;
  preset: Preset; // only for what is said beside the form
  maxAgeMinutes: number | ''; // '' for no limit
  secret: string; // '' to keep the one that is there, or for none
  publicClient: boolean; // without a secret
};

const empty: Values = {
  id: '',
  enabled: true,
  preset: 'other',
  name: '',
  issuer: '',
  clientId: '',
  secret: '',
  publicClient: false,
  scopes: ['profile', 'email'],
  subjectClaim: '',
  nameClaim: '',
  emailClaim: '',
  groupsClaim: '',
  emailTrusted: false,
  ownerGroups: [],
  adminGroups: [],
  networkAdminGroups: [],
  helpDeskGroups: [],
  auditorGroups: [],
  domains: [],
  create: true,
  prompt: '',
  maxAgeMinutes: '',
  acrValues: [],
  logout: false,
  trustAmr: [],
  trustAcr: [],
};

/** A new provider of a kind. */
export function fresh(preset: Preset): Values {
  const { name, issuer, settings } = facts[preset];
  const given = Object.fromEntries(Object.entries(settings).filter(([, v]) => v !== undefined && v !== null));
  return { ...empty, ...given, preset, name, issuer, id: preset === 'other' ? '' : preset };
}

/** One that is there. */
export function valuesOf(p: IdentityProvider): Values {
  const { maxAge, ...rest } = p.settings;
  const said = Object.fromEntries(Object.entries(rest).filter(([, v]) => v !== undefined && v !== null));
  return {
    ...empty,
    scopes: [],
    ...said,
    id: p.id,
    enabled: p.enabled,
    preset: presetOfIssuer(p.settings.issuer),
    maxAgeMinutes: typeof maxAge === 'number' ? maxAge / 60 : '',
    publicClient: !p.hasSecret,
  };
}

/** What the form asks for. kept says that there is a secret which stays unless another one was typed. */
export function inputOf(v: Values, kept: boolean): ProviderInput {
  const { id: _, preset: __, enabled, maxAgeMinutes, secret, publicClient, ...settings } = v;
  return {
    enabled,
    settings: {
      ...settings,
      name: v.name.trim(),
      issuer: v.issuer.trim(),
      clientId: v.clientId.trim(),
      maxAge: maxAgeMinutes === '' ? null : Math.round(maxAgeMinutes * 60),
    },
    ...(publicClient ? { clientSecret: '' } : secret || !kept ? { clientSecret: secret } : {}),
  };
}

/** An id of what was typed as a name: it becomes part of a URL. */
export const idOf = (name: string): string =>
  name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 32);

/** What to register with the provider. */
export const addresses = (origin: string, id: string) => ({
  redirect: `${origin}/auth/callback/${id}`,
  afterSignOut: `${origin}/sign-in`,
  backChannel: `${origin}/auth/backchannel-logout/${id}`,
});
