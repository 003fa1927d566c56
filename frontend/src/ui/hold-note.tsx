import { useTranslation } from 'react-i18next';
import type { Device } from '../api/devices.ts';
import { RelativeTime } from './time.tsx';

/** Why a device has fewer rights than its sign-in gives; nothing where it has all. */
export function HoldNote({ grant, className }: { grant: Device['grant']; className?: string }) {
  const { t } = useTranslation();
  const hold = grant.holds?.find((h) => h.level === grant.level) ?? grant.holds?.[0];
  if (!hold) return null;
  return (
    <p className={className}>
      <span>
        {t(`held.${hold.level}`)} {t('held.why', { reason: hold.reason })}
        {hold.until && (
          <>
            {' '}
            {t('held.ends')} <RelativeTime at={hold.until} />
          </>
        )}
      </span>
    </p>
  );
}
