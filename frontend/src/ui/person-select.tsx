import { Select } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Person, peopleQuery } from '../api/people.ts';
import { asProblem } from '../api/problem.ts';
import { type ProblemCatalogue, problemText } from './problem-text.ts';

type Props = {
  label: string;
  value: Person | undefined;
  onChange: (person: Person | undefined) => void;
  description?: string;
};

/** One person by name or address, searched on the portal: there may be many. For roles that may look at people. */
export function PersonSelect({ label, value, onChange, description }: Props) {
  const { t } = useTranslation();
  const [typed, setTyped] = useState('');
  const chosen = value && nameOf(value);
  const [q] = useDebouncedValue(typed === chosen ? '' : typed, 250);
  const people = useInfiniteQuery({ ...peopleQuery(q), placeholderData: (old) => old });
  const found = people.data?.pages[0]?.items ?? [];
  const all = value && !found.some((p) => p.id === value.id) ? [value, ...found] : found;
  const catalogue = t('problems', { returnObjects: true }) as ProblemCatalogue;
  return (
    <Select
      label={label}
      description={description}
      placeholder={t('people.search')}
      data={all.map((p) => ({ value: p.id, label: nameOf(p) }))}
      value={value?.id ?? null}
      onChange={(id) => onChange(all.find((p) => p.id === id))}
      searchable
      onSearchChange={setTyped}
      filter={({ options }) => options}
      nothingFoundMessage={people.isFetching ? t('common.loading') : t('people.noMatch')}
      error={people.error && problemText(catalogue, asProblem(people.error)).what}
      maxDropdownHeight={220}
    />
  );
}

const nameOf = (p: Person) => (p.email && p.email !== p.name ? `${p.name} (${p.email})` : p.name || p.email);
