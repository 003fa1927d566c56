import { MultiSelect, SegmentedControl, TagsInput, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import {
  createRule,
  deleteRule,
  type Group,
  type Resource,
  type Rule,
  type RuleInput,
  updateRule,
} from '../../api/policy.ts';
import { useAction } from '../../ui/action.ts';
import { PolicyPreviewNote } from '../../ui/policy-preview.tsx';
import classes from './access.module.css';
import { EditForm } from './edit-form.tsx';
import { FromFields } from './from-fields.tsx';
import { PeopleSelect } from './people-select.tsx';
import { RuleSentence } from './rule-list.tsx';
import { goodValidity, goodWindow } from './when.ts';
import { WhenFields } from './when-fields.tsx';

type Props = { opened: boolean; rule?: Rule; resources: Resource[]; groups: Group[]; onClose: () => void };

type Values = Omit<Rule, 'id'>;

const fresh: Values = {
  name: '',
  reason: '',
  action: 'allow',
  groups: [],
  people: [],
  resources: [],
  tags: [],
  conditions: {},
};

export function RuleDialog({ opened, rule, resources, groups, onClose }: Props) {
  const { t } = useTranslation();
  const [values, setValues] = useState<Values>(rule ? inputOf(rule) : fresh);
  const set = (part: Partial<Values>) => setValues({ ...values, ...part });
  const save = useAction(() => (rule ? updateRule(rule.id, body(values)) : createRule(body(values))), {
    refresh: [['rules'], ['audit']],
    done: onClose,
  });
  const problems = save.problem?.byField() ?? {};
  const ready =
    !!values.name.trim() &&
    !!values.reason.trim() &&
    values.groups.length + values.people.length > 0 &&
    values.resources.length + values.tags.length > 0 &&
    (values.conditions.windows ?? []).every(goodWindow) &&
    goodValidity(values.conditions);
  return (
    <EditForm
      opened={opened}
      onClose={onClose}
      title={rule ? t('access.editRule') : t('access.addRule')}
      onSave={() => save.run()}
      saving={save.pending}
      problem={save.problem}
      ready={ready}
      remove={
        rule && {
          run: () => deleteRule(rule.id),
          title: t('access.deleteTitle', { name: rule.name }),
          what: rule.action === 'allow' ? t('access.deleteAllow') : t('access.deleteDeny'),
          change: { id: rule.id, delete: true },
        }
      }
    >
      <TextInput
        label={t('access.name')}
        value={values.name}
        maxLength={64}
        onChange={(e) => set({ name: e.currentTarget.value })}
        error={problems.name}
        data-autofocus
      />
      <SegmentedControl
        aria-label={t('access.action')}
        value={values.action}
        onChange={(action) => {
          const { factorSeconds: _, level: __, ...rest } = values.conditions;
          set({ action: action as RuleInput['action'], conditions: action === 'deny' ? rest : values.conditions });
        }}
        data={[
          { value: 'allow', label: t('access.allow') },
          { value: 'deny', label: t('access.deny') },
        ]}
      />
      <MultiSelect
        label={t('access.who')}
        value={values.groups}
        onChange={(list) => set({ groups: list })}
        data={groups.map((g) => ({ value: g.id, label: g.name }))}
        error={problems.groups}
        searchable
      />
      <PeopleSelect value={values.people} onChange={(people) => set({ people })} error={problems.people} />
      <MultiSelect
        label={t('access.what')}
        value={values.resources}
        onChange={(list) => set({ resources: list })}
        data={resources.map((r) => ({ value: r.id, label: r.name }))}
        error={problems.resources}
        nothingFoundMessage={t('access.noResources')}
        searchable
      />
      <TagsInput
        label={t('accessWhen.tags')}
        description={t('accessWhen.tagsHint')}
        value={values.tags}
        onChange={(tags) => set({ tags })}
        data={[...new Set(resources.flatMap((r) => r.tags))].sort()}
        splitChars={[',', ' ', ';']}
        acceptValueOnBlur
        error={problems.tags}
      />
      <WhenFields
        value={values.conditions}
        onChange={(conditions) => set({ conditions })}
        problem={problems.conditions}
      />
      <FromFields
        value={values.conditions}
        action={values.action}
        onChange={(conditions) => set({ conditions })}
        problems={problems}
      />
      <TextInput
        label={t('access.reason')}
        description={t('access.reasonHint')}
        value={values.reason}
        maxLength={500}
        onChange={(e) => set({ reason: e.currentTarget.value })}
        error={problems.reason}
      />
      <div className={classes.preview} role="status">
        <RuleSentence rule={values} resources={resources} groups={groups} />
      </div>
      <PolicyPreviewNote change={{ id: rule?.id, rule: body(values) }} ready={opened && ready} />
    </EditForm>
  );
}

function inputOf({ id: _, ...rule }: Rule): Values {
  return rule;
}

/** What is sent: people by id. */
function body(values: Values): RuleInput {
  return { ...values, people: values.people.map((p) => p.id) };
}
