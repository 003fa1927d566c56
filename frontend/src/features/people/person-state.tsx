import { IconCircleCheck, IconLock } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Person } from '../../api/people.ts';
import { Chip } from '../../ui/chip.tsx';

export function PersonStateChip({ state }: { state: Person['state'] }) {
  const { t } = useTranslation();
  return (
    <Chip tone={state === 'active' ? 'plain' : 'bad'} icon={state === 'active' ? IconCircleCheck : IconLock}>
      {t(`personState.${state}`)}
    </Chip>
  );
}
