import { Button, NativeSelect, Switch, TextInput } from '@mantine/core';
import { IconX } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { SearchField } from '../../ui/search-field.tsx';
import classes from './audit.module.css';
import { type AuditSearch, kinds } from './filter.ts';

type Props = {
  search: AuditSearch;
  onChange: (part: AuditSearch) => void;
  follow: boolean;
  onFollow: (on: boolean) => void;
};

/** Narrows what is shown, and what is saved as a file: words, kind, days; who and what are chosen in an event's details. */
export function FilterBar({ search, onChange, follow, onFollow }: Props) {
  const { t } = useTranslation();
  const day = (key: 'from' | 'until', label: string) => (
    <TextInput
      type="date"
      label={label}
      value={search[key] ?? ''}
      onChange={(e) => onChange({ [key]: e.currentTarget.value || undefined })}
      className={classes.day}
    />
  );
  return (
    <div className={classes.filters}>
      <SearchField label={t('audit.search')} value={search.q} onChange={(q) => onChange({ q })} />
      <NativeSelect
        label={t('audit.kind')}
        value={search.action ?? ''}
        onChange={(e) => onChange({ action: e.currentTarget.value || undefined })}
        data={[
          { value: '', label: t('audit.anyKind') },
          ...kinds.map((kind) => ({ value: kind, label: t(`auditKinds.${kind}`) })),
        ]}
      />
      {day('from', t('audit.from'))}
      {day('until', t('audit.until'))}
      <Switch
        label={t('audit.follow')}
        checked={follow}
        onChange={(e) => onFollow(e.currentTarget.checked)}
        className={classes.follow}
      />
      {(['actor', 'target'] as const).map(
        (key) =>
          search[key] && (
            <Button
              key={key}
              variant="default"
              size="xs"
              rightSection={<IconX size={14} aria-hidden />}
              onClick={() => onChange({ [key]: undefined })}
              aria-label={t('audit.dropFilter', { what: `${t(`audit.${key}`)}: ${search[key]}` })}
            >
              {t(`audit.${key}`)}: <span className="mono">{search[key]}</span>
            </Button>
          ),
      )}
    </div>
  );
}
