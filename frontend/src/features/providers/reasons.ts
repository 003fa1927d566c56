import type en from '../../i18n/admin/en.json';

/** Why a test failed or would be refused. */
export type Reason = keyof typeof en.providerReason;

const known: Record<Reason, true> = {
  discovery: true,
  keys: true,
  provider_error: true,
  no_code: true,
  code: true,
  token_endpoint: true,
  no_id_token: true,
  id_token: true,
  expired: true,
  claims: true,
  issuer: true,
  answer_issuer: true,
  authorized_party: true,
  issued_in_future: true,
  nonce: true,
  access_token: true,
  userinfo: true,
  userinfo_subject: true,
  userinfo_claims: true,
  subject: true,
  auth_time: true,
  domain: true,
  unknown_person: true,
  suspended: true,
  other: true,
};

/** `other` for what the catalogue has no words for: the cause is shown as it is. */
export const reasonKey = (reason: string): Reason => (Object.hasOwn(known, reason) ? (reason as Reason) : 'other');
