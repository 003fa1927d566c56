import { TextInput } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Platform } from '../../api/devices.ts';
import { ChoiceCard, ChoiceList } from '../../ui/choice.tsx';
import { PlatformIcon } from '../../ui/platform-icon.tsx';
import { platforms } from '../../wireguard/platform.ts';
import classes from './wizard.module.css';

type Props = {
  platform: Platform;
  detected: Platform;
  name: string;
  nameProblem?: string;
  onPlatform: (platform: Platform) => void;
  onName: (name: string) => void;
};

export function PlatformStep({ platform, detected, name, nameProblem, onPlatform, onName }: Props) {
  const { t } = useTranslation();
  return (
    <>
      <ChoiceList legend={t('wizard.platform.question')} columns>
        {platforms.map((p) => (
          <ChoiceCard
            key={p}
            group="platform"
            value={p}
            checked={p === platform}
            onChoose={() => onPlatform(p)}
            icon={<PlatformIcon platform={p} size={22} />}
            title={t(`platform.${p}`)}
            note={p === detected ? t('wizard.platform.thisDevice') : undefined}
          />
        ))}
      </ChoiceList>
      <TextInput
        className={classes.name}
        label={t('wizard.platform.name')}
        description={t('wizard.platform.nameHint')}
        value={name}
        onChange={(e) => onName(e.currentTarget.value)}
        maxLength={64}
        error={nameProblem}
        required
        withAsterisk={false}
      />
    </>
  );
}
