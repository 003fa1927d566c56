import { useTranslation } from 'react-i18next';
import type { Device } from '../api/devices.ts';

/** What a device's file lacks, as a list in words. */
export function OutdatedReasons({ reasons }: { reasons: Device['outdated'] }) {
  const { t, i18n } = useTranslation();
  return new Intl.ListFormat(i18n.language, { type: 'conjunction' }).format(reasons.map((r) => t(`outdated.${r}`)));
}
