import {
  IconCircleCheckFilled,
  IconCircleDashed,
  IconClockExclamation,
  IconHourglass,
  IconLock,
} from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { DeviceStatus } from '../api/devices.ts';
import { Chip, type Tone } from './chip.tsx';

const looks = {
  connected: { tone: 'good', icon: IconCircleCheckFilled },
  ready: { tone: 'plain', icon: IconCircleDashed },
  expired: { tone: 'warn', icon: IconClockExclamation },
  held: { tone: 'bad', icon: IconLock },
  pending: { tone: 'warn', icon: IconHourglass },
  suspended: { tone: 'bad', icon: IconLock },
} satisfies Record<DeviceStatus, { tone: Tone; icon: unknown }>;

export function DeviceStatusChip({ status }: { status: DeviceStatus }) {
  const { t } = useTranslation();
  const look = looks[status];
  return (
    <Chip tone={look.tone} icon={look.icon}>
      {t(`deviceStatus.${status}`)}
    </Chip>
  );
}
