import { MultiSelect } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useRouteContext } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { peopleQuery } from '../../api/people.ts';
import type { Rule } from '../../api/policy.ts';
import { asProblem } from '../../api/problem.ts';
import { may } from '../../api/rights.ts';
import { type ProblemCatalogue, problemText } from '../../ui/problem-text.ts';

type Person = Rule['people'][number];
type Props = { value: Person[]; onChange: (people: Person[]) => void; error?: string };

/** People by name, searched on the server: there may be many. Who may not search sees those that were chosen. */
export function PeopleSelect({ value, onChange, error }: Props) {
  const { t } = useTranslation();
  const { session } = useRouteContext({ from: '/app' });
  const searches = may(session, 'people.read');
  const [typed, setTyped] = useState('');
  const [q] = useDebouncedValue(typed, 250);
  const people = useInfiniteQuery({ ...peopleQuery(q), enabled: searches });
  const found = people.data?.pages[0]?.items ?? [];
  const labels = new Map(value.map((p) => [p.id, p.name]));
  for (const p of found) if (!labels.has(p.id)) labels.set(p.id, p.email ? `${p.name} (${p.email})` : p.name);
  const named = (id: string) =>
    value.find((p) => p.id === id) ?? { id, name: found.find((p) => p.id === id)?.name ?? id };
  const catalogue = t('problems', { returnObjects: true }) as ProblemCatalogue;
  return (
    <MultiSelect
      label={t('accessWhen.people')}
      description={searches ? undefined : t('accessWhen.peopleNoRight')}
      disabled={!searches}
      placeholder={searches && value.length === 0 ? t('accessWhen.peopleHint') : undefined}
      value={value.map((p) => p.id)}
      onChange={(ids) => onChange(ids.map(named))}
      data={[...labels].map(([id, label]) => ({ value: id, label }))}
      searchable
      onSearchChange={setTyped}
      filter={({ options }) => options}
      nothingFoundMessage={t('accessWhen.nobodyFound')}
      error={error ?? (people.error && problemText(catalogue, asProblem(people.error)).what)}
    />
  );
}
