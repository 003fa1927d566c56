import { useTranslation } from 'react-i18next';
import { ChoiceCard, ChoiceList } from '../../ui/choice.tsx';
import type { Protocol } from './steps.ts';
import classes from './wizard.module.css';

type Props = { protocols: Protocol[]; chosen: Protocol; onChoose: (protocol: Protocol) => void };

/** How the device connects, where there is a choice: the first is what is recommended. */
export function ProtocolChoice({ protocols, chosen, onChoose }: Props) {
  const { t } = useTranslation();
  if (protocols.length < 2) return null;
  return (
    <>
      <h3 className={classes.part}>{t('openvpn.question')}</h3>
      <ChoiceList legend={t('openvpn.question')}>
        {protocols.map((p, i) => (
          <ChoiceCard
            key={p}
            group="protocol"
            value={p}
            checked={p === chosen}
            onChoose={() => onChoose(p)}
            title={t(`openvpn.name.${p}`)}
            note={i === 0 ? t('openvpn.recommended') : t(`openvpn.note.${p}`)}
            below={<p>{t(`openvpn.lead.${p}`)}</p>}
          />
        ))}
      </ChoiceList>
    </>
  );
}
