import { Button, MultiSelect, NativeSelect, NumberInput, Switch, Text, Textarea, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import {
  createCheck,
  type Posture,
  type PostureCheck,
  type PostureCheckInput,
  type Severity,
  updateCheck,
} from '../../api/posture.ts';
import { useAction } from '../../ui/action.ts';
import { Dialog } from '../../ui/dialog.tsx';
import { say } from '../../ui/notify.ts';
import { ProblemNote } from '../../ui/problem-note.tsx';
import classes from './posture.module.css';

const severities: Severity[] = ['block', 'risk', 'warn'];
const unknowns = ['fail', 'warn', 'pass'] as const;
const platforms = ['windows', 'macos', 'linux', 'server', 'ios', 'android', 'other'] as const;

type Props = { facts: Posture['facts']; check?: PostureCheck; onClose: () => void };

/** A new check begins as one that only reports. */
export function CheckDialog({ facts, check, onClose }: Props) {
  const { t } = useTranslation();
  const [draft, setDraft] = useState<Required<PostureCheckInput>>(
    check
      ? inputOf(check)
      : {
          name: '',
          rule: '',
          platforms: [],
          severity: 'block',
          unknown: 'fail',
          graceSeconds: 0,
          reportOnly: true,
          help: '',
        },
  );
  const change = (part: Partial<PostureCheckInput>) => setDraft((now) => ({ ...now, ...part }));
  const save = useAction(() => (check ? updateCheck(check.id, draft) : createCheck(draft)), {
    refresh: [['posture'], ['devices'], ['audit']],
    done: () => {
      onClose();
      say(t('postureAdmin.saved', { name: draft.name }));
    },
  });
  const wrong = save.problem?.byField() ?? {};
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.run();
  };
  return (
    <Dialog
      opened
      onClose={onClose}
      title={check ? t('postureAdmin.editTitle', { name: check.name }) : t('postureAdmin.addTitle')}
      size="lg"
    >
      <form onSubmit={submit} className={classes.form}>
        <TextInput
          label={t('postureAdmin.name')}
          description={t('postureAdmin.nameHint')}
          value={draft.name}
          maxLength={64}
          required
          data-autofocus
          onChange={(e) => change({ name: e.currentTarget.value })}
          error={wrong.name}
        />
        <div>
          <TextInput
            label={t('postureAdmin.rule')}
            description={t('postureAdmin.ruleHint')}
            value={draft.rule}
            maxLength={500}
            required
            spellCheck={false}
            autoCapitalize="off"
            onChange={(e) => change({ rule: e.currentTarget.value })}
            error={wrong.rule}
          />
          <Text size="xs" c="dimmed" mt={6}>
            {t('postureAdmin.facts', { names: facts.map((f) => f.name).join(', ') })}
          </Text>
        </div>
        <NativeSelect
          label={t('postureAdmin.severity')}
          value={draft.severity}
          onChange={(e) => change({ severity: e.currentTarget.value as Severity })}
          data={severities.map((s) => ({ value: s, label: t(`postureAdmin.severities.${s}`) }))}
          error={wrong.severity}
        />
        <Switch
          label={t('postureAdmin.reportOnlyLabel')}
          description={t('postureAdmin.reportOnlyHint')}
          checked={draft.reportOnly}
          onChange={(e) => change({ reportOnly: e.currentTarget.checked })}
        />
        <NativeSelect
          label={t('postureAdmin.unknown')}
          value={draft.unknown}
          onChange={(e) => change({ unknown: e.currentTarget.value as PostureCheckInput['unknown'] })}
          data={unknowns.map((u) => ({ value: u, label: t(`postureAdmin.unknowns.${u}`) }))}
          error={wrong.unknown}
        />
        <NumberInput
          label={t('postureAdmin.graceLabel')}
          description={t('postureAdmin.graceHint')}
          min={0}
          max={2160}
          value={draft.graceSeconds / 3600}
          onChange={(n) => change({ graceSeconds: Math.round((Number(n) || 0) * 3600) })}
          error={wrong.graceSeconds}
        />
        <MultiSelect
          label={t('postureAdmin.platforms')}
          description={t('postureAdmin.platformsHint')}
          value={draft.platforms}
          onChange={(list) => change({ platforms: list as PostureCheckInput['platforms'] })}
          data={platforms.map((p) => ({ value: p, label: t(`platform.${p}`) }))}
          error={wrong.platforms}
        />
        <Textarea
          label={t('postureAdmin.help')}
          description={t('postureAdmin.helpHint')}
          value={draft.help}
          maxLength={500}
          autosize
          onChange={(e) => change({ help: e.currentTarget.value.replaceAll('\n', ' ') })}
          error={wrong.help}
        />
        <ProblemNote problem={save.problem} fields />
        <div className={classes.row}>
          <Button variant="default" onClick={onClose}>
            {t('common.cancel')}
          </Button>
          <Button type="submit" loading={save.pending}>
            {t('common.save')}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function inputOf({ name, rule, platforms, severity, unknown, graceSeconds, reportOnly, help }: PostureCheck) {
  return { name, rule, platforms, severity, unknown, graceSeconds, reportOnly, help };
}
