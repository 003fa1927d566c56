import { MultiSelect } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { peopleQuery } from '../../api/people.ts';
import type { Rule } from '../../api/policy.ts';

type Person = Rule['people'][number];
type Props = { value: Person[]; onChange: (people: Person[]) => void; error?: string };

/** People by name, searched on the server: there may be many. */
export function PeopleSelect({ value, onChange, error }: Props) {
  const { t } = useTranslation();
  const [typed, setTyped] = useState('');
  const [q] = useDebouncedValue(typed, 250);
  const people = useInfiniteQuery(peopleQuery(q));
  const found = people.data?.pages[0]?.items ?? [];
  const labels = new Map(value.map((p) => [p.id, p.name]));
  for (const p of found) if (!labels.has(p.id)) labels.set(p.id, p.email ? `${p.name} (${p.email})` : p.name);
  const named = (id: string) =>
    value.find((p) => p.id === id) ?? { id, name: found.find((p) => p.id === id)?.name ?? id };
  return (
    <MultiSelect
      label={t('accessWhen.people')}
      placeholder={value.length === 0 ? t('accessWhen.peopleHint') : undefined}
      value={value.map((p) => p.id)}
      onChange={(ids) => onChange(ids.map(named))}
      data={[...labels].map(([id, label]) => ({ value: id, label }))}
      searchable
      onSearchChange={setTyped}
      filter={({ options }) => options}
      nothingFoundMessage={t('accessWhen.nobodyFound')}
      error={error}
    />
  );
}
