import { useTranslation } from 'react-i18next';
import { type Profile, sessionOf } from '../../api/profiles.ts';
import { ChoiceCard, ChoiceList } from '../../ui/choice.tsx';
import { formatDuration } from '../../ui/format.ts';
import { RouteList } from '../../ui/routes.tsx';

type Props = { profiles: Profile[]; chosen: Profile; onChoose: (id: string) => void };

export function ProfileStep({ profiles, chosen, onChoose }: Props) {
  const { t, i18n } = useTranslation();
  return (
    <ChoiceList legend={t('wizard.profile.question')}>
      {profiles.map((p) => (
        <ChoiceCard
          key={p.id}
          group="profile"
          value={p.id}
          checked={p.id === chosen.id}
          onChoose={() => onChoose(p.id)}
          title={p.name}
          note={t(`mode.${p.mode}`)}
          below={
            <>
              <p>{p.description || t(`modeLead.${p.mode}`)}</p>
              <p>{t('wizard.profile.session', { duration: formatDuration(sessionOf(p), i18n.language) })}</p>
              {p.id === chosen.id && <RouteList routes={p.routes} count={p.routeCount ?? p.routes.length} />}
            </>
          }
        />
      ))}
    </ChoiceList>
  );
}
