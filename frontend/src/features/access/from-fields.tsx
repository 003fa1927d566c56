import { Checkbox, NumberInput, TagsInput } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Rule } from '../../api/policy.ts';
import classes from './access.module.css';
import type { Conditions } from './when.ts';

type Props = {
  value: Conditions;
  action: Rule['action'];
  onChange: (value: Conditions) => void;
  problems: Record<string, string>;
};

const some = (list: string[]) => (list.length > 0 ? list : undefined);

/** What a rule asks of the device: where it is, how fresh its second factor is, and whether it counts with restricted access. */
export function FromFields({ value, action, onChange, problems }: Props) {
  const { t } = useTranslation();
  return (
    <>
      <div className={classes.validity}>
        <TagsInput
          label={t('accessFrom.sources')}
          description={t('accessFrom.sourcesHint')}
          value={value.sources ?? []}
          onChange={(list) => onChange({ ...value, sources: some(list) })}
          splitChars={[',', ' ', ';']}
          acceptValueOnBlur
          placeholder="203.0.113.0/24"
          error={problems['conditions/sources']}
        />
        <TagsInput
          label={t('accessFrom.countries')}
          description={t('accessFrom.countriesHint')}
          value={value.countries ?? []}
          onChange={(list) => onChange({ ...value, countries: some(list.map((c) => c.toUpperCase())) })}
          splitChars={[',', ' ', ';']}
          acceptValueOnBlur
          placeholder="KR"
          error={problems['conditions/countries']}
        />
      </div>
      {action === 'allow' && (
        <>
          <NumberInput
            label={t('accessFrom.factor')}
            description={t('accessFrom.factorHint')}
            value={value.factorSeconds === undefined ? '' : value.factorSeconds / 60}
            onChange={(minutes) =>
              onChange({ ...value, factorSeconds: typeof minutes === 'number' ? minutes * 60 : undefined })
            }
            min={1}
            max={43200}
            allowDecimal={false}
            error={problems['conditions/factorSeconds']}
          />
          <Checkbox
            label={t('accessFrom.restricted')}
            description={t('accessFrom.restrictedHint')}
            checked={value.level === 'restricted'}
            onChange={(e) => onChange({ ...value, level: e.currentTarget.checked ? 'restricted' : undefined })}
          />
        </>
      )}
    </>
  );
}
