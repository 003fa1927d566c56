import i18next, { type ParseKeys, type TFunction } from 'i18next';

/** A fact's name for people; one that policy made up is shown as it is. */
export function factName(t: TFunction, name: string): string {
  const key = `posture.fact.${name}`;
  return i18next.exists(key) ? t(key as ParseKeys) : name;
}

/** A value as the portal writes it, for people. */
export function valueText(t: TFunction, value: string): string {
  if (value === 'yes') return t('posture.yes');
  if (value === 'no') return t('posture.no');
  return value;
}

/** The text with the steps that make a fact right on a platform, where there is one. A server is a Linux machine. */
export function stepsFor(fact: string, platform: string): ParseKeys | undefined {
  const on = platform === 'server' ? 'linux' : platform;
  const same = fact === 'last_update' || fact === 'security_updates' ? 'os_version' : fact;
  const key = `posture.steps.${same}.${on}`;
  return i18next.exists(key) ? (key as ParseKeys) : undefined;
}
