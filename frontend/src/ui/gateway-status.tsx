import {
  IconAlertTriangle,
  IconArchive,
  IconCircleCheckFilled,
  IconClockPause,
  IconDroplet,
  IconGitCompare,
  IconHourglass,
  IconPlugConnectedX,
} from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Gateway } from '../api/gateways.ts';
import { Chip, type Tone } from './chip.tsx';

const looks = {
  online: { tone: 'good', icon: IconCircleCheckFilled },
  pending: { tone: 'accent', icon: IconHourglass },
  behind: { tone: 'warn', icon: IconClockPause },
  drift: { tone: 'warn', icon: IconGitCompare },
  problem: { tone: 'bad', icon: IconAlertTriangle },
  offline: { tone: 'bad', icon: IconPlugConnectedX },
  draining: { tone: 'plain', icon: IconDroplet },
  retired: { tone: 'plain', icon: IconArchive },
} satisfies Record<Gateway['status'], { tone: Tone; icon: unknown }>;

export function GatewayStatusChip({ status }: { status: Gateway['status'] }) {
  const { t } = useTranslation();
  const look = looks[status];
  return (
    <Chip tone={look.tone} icon={look.icon}>
      {t(`gatewayStatus.${status}`)}
    </Chip>
  );
}
