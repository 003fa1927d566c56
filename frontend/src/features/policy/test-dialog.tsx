import { Button, SegmentedControl, Select, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Group, Resource } from '../../api/policy.ts';
import { createPolicyTest, type PolicyTestInput } from '../../api/reachability.ts';
import { useAction } from '../../ui/action.ts';
import { Dialog } from '../../ui/dialog.tsx';
import { ProblemNote } from '../../ui/problem-note.tsx';
import classes from './policy.module.css';

type Props = { groups: Group[]; resources: Resource[]; onClose: () => void };

export function PolicyTestDialog({ groups, resources, onClose }: Props) {
  const { t } = useTranslation();
  const [values, setValues] = useState<PolicyTestInput>({ name: '', reason: '', expect: 'blocked' });
  const set = (part: Partial<PolicyTestInput>) => setValues({ ...values, ...part });
  const save = useAction(() => createPolicyTest(values), { refresh: [['policyTests'], ['audit']], done: onClose });
  const problems = save.problem?.byField() ?? {};
  const ready = !!values.name.trim() && !!values.group && !!values.resource;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (ready) save.run();
  };
  return (
    <Dialog opened onClose={onClose} size="lg" title={t('policy.addTest')}>
      <form onSubmit={submit} className={classes.form}>
        <TextInput
          label={t('policy.name')}
          value={values.name}
          maxLength={64}
          onChange={(e) => set({ name: e.currentTarget.value })}
          error={problems.name}
          data-autofocus
        />
        <Select
          label={t('policy.who')}
          value={values.group ?? null}
          onChange={(id) => set({ group: id ?? undefined })}
          data={groups.map((g) => ({ value: g.id, label: g.name }))}
          error={problems.group}
          searchable
        />
        <SegmentedControl
          aria-label={t('policy.expect')}
          value={values.expect}
          onChange={(next) => set({ expect: next as PolicyTestInput['expect'] })}
          data={[
            { value: 'blocked', label: t('policy.blocked') },
            { value: 'reaches', label: t('policy.reaches') },
          ]}
        />
        <Select
          label={t('policy.what')}
          value={values.resource ?? null}
          onChange={(id) => set({ resource: id ?? undefined })}
          data={resources.map((r) => ({ value: r.id, label: r.name }))}
          error={problems.resource}
          searchable
        />
        <TextInput
          label={t('policy.reason')}
          value={values.reason}
          maxLength={500}
          onChange={(e) => set({ reason: e.currentTarget.value })}
          error={problems.reason}
        />
        <ProblemNote problem={save.problem} fields />
        <div className={classes.buttons}>
          <Button variant="default" onClick={onClose}>
            {t('common.cancel')}
          </Button>
          <Button type="submit" loading={save.pending} disabled={!ready}>
            {t('common.save')}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
