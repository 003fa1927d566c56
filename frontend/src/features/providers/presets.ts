import type { ProviderSettings } from '../../api/identity-providers.ts';

export const presets = ['google', 'entra', 'okta', 'keycloak', 'authentik', 'gitlab', 'other'] as const;
export type Preset = (typeof presets)[number];

/** What is the same wherever this kind of provider is used. Capitals in an issuer are to be replaced. */
type Facts = {
  name: string;
  issuer: string;
  ours: RegExp; // issuers that are of this kind
  backChannel: boolean; // it tells when somebody signs out there
  settings: Partial<ProviderSettings>;
};

export const facts: Record<Preset, Facts> = {
  google: {
    name: 'Google',
    issuer: 'https://accounts.google.com',
    ours: /^https:\/\/accounts\.google\.com$/,
    backChannel: false,
    settings: { prompt: 'select_account' },
  },
  entra: {
    name: 'Microsoft Entra ID',
    issuer: 'https://login.microsoftonline.com/TENANT-ID/v2.0',
    ours: /^https:\/\/login\.microsoftonline\.(com|us)\//,
    backChannel: false,
    settings: { subjectClaim: 'oid', groupsClaim: 'groups', logout: true },
  },
  okta: {
    name: 'Okta',
    issuer: 'https://YOUR-ORG.okta.com',
    ours: /^https:\/\/[^/]+\.okta(preview|-emea)?\.com(\/|$)/,
    backChannel: false,
    settings: { scopes: ['profile', 'email', 'groups'], groupsClaim: 'groups', logout: true },
  },
  keycloak: {
    name: 'Keycloak',
    issuer: 'https://KEYCLOAK-HOST/realms/REALM',
    ours: /\/realms\/[^/]+$/,
    backChannel: true,
    settings: { groupsClaim: 'groups', logout: true },
  },
  authentik: {
    name: 'Authentik',
    issuer: 'https://AUTHENTIK-HOST/application/o/APPLICATION/',
    ours: /\/application\/o\/[^/]+\/$/,
    backChannel: true,
    settings: { groupsClaim: 'groups', logout: true },
  },
  gitlab: {
    name: 'GitLab',
    issuer: 'https://gitlab.com',
    ours: /^https:\/\/gitlab\./,
    backChannel: false,
    settings: { groupsClaim: 'groups_direct' },
  },
  other: { name: '', issuer: '', ours: /^/, backChannel: true, settings: {} },
};

export const presetOf = (text: string | undefined): Preset | undefined => presets.find((p) => p === text);

/** The kind of a provider that is there already, as far as its issuer tells. */
export const presetOfIssuer = (issuer: string): Preset => presets.find((p) => facts[p].ours.test(issuer)) ?? 'other';

/** The part of an issuer that still is to be replaced, such as TENANT-ID; '' when there is none. */
export function placeholderIn(issuer: string): string {
  const words = new Set(presets.flatMap((p) => facts[p].issuer.match(/[A-Z][A-Z-]+[A-Z]/g) ?? []));
  return issuer.match(/[A-Z][A-Z-]+[A-Z]/g)?.find((word) => words.has(word)) ?? '';
}
