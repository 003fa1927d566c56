import { useTranslation } from 'react-i18next';
import { ChoiceCard, ChoiceList } from '../../ui/choice.tsx';
import { countryName } from '../../ui/country.ts';
import type { Region } from './steps.ts';

type Props = { regions: Region[]; chosen: Region; onChoose: (id: string) => void };

export function RegionStep({ regions, chosen, onChoose }: Props) {
  const { t, i18n } = useTranslation();
  return (
    <ChoiceList legend={t('wizard.region.question')}>
      {regions.map((r) => (
        <ChoiceCard
          key={r.id}
          group="region"
          value={r.id}
          checked={r.id === chosen.id}
          onChoose={() => onChoose(r.id)}
          title={r.name}
          note={r.ready ? countryName(r.country, i18n.language) : t('wizard.region.notReady')}
        />
      ))}
    </ChoiceList>
  );
}
