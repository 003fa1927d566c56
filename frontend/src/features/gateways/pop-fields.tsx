import { TagsInput, TextInput } from '@mantine/core';
import { useTranslation } from 'react-i18next';

export type PopValues = { name: string; country: string; networks: string[] };

type Props = { values: PopValues; onChange: (values: PopValues) => void; problems?: Record<string, string> };

/** What one says of a place with gateways. */
export function PopFields({ values, onChange, problems = {} }: Props) {
  const { t } = useTranslation();
  return (
    <>
      <TextInput
        label={t('pops.name')}
        description={t('pops.nameHint')}
        value={values.name}
        maxLength={64}
        required
        withAsterisk={false}
        onChange={(e) => onChange({ ...values, name: e.currentTarget.value })}
        error={problems.name}
      />
      <TextInput
        label={t('pops.country')}
        description={t('pops.countryHint')}
        value={values.country}
        maxLength={2}
        w={200}
        onChange={(e) => onChange({ ...values, country: e.currentTarget.value.toUpperCase() })}
        error={problems.country}
      />
      <TagsInput
        label={t('pops.networks')}
        description={t('pops.networksHint')}
        placeholder={values.networks.length === 0 ? '10.20.0.0/16' : undefined}
        value={values.networks}
        onChange={(networks) => onChange({ ...values, networks })}
        splitChars={[',', ' ', ';']}
        acceptValueOnBlur
        error={problems.networks}
      />
    </>
  );
}
