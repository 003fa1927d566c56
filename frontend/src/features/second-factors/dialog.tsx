import { Button, Checkbox, NativeSelect, NumberInput, Stack, Switch, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type FactorPolicy, factorPoliciesQuery, setFactorPolicy } from '../../api/factor-policies.ts';
import { groupsQuery } from '../../api/policy.ts';
import type { FactorKind } from '../../api/session.ts';
import { useAction } from '../../ui/action.ts';
import { Dialog } from '../../ui/dialog.tsx';
import { say } from '../../ui/notify.ts';
import { ProblemNote } from '../../ui/problem-note.tsx';

type Props = {
  opened: boolean;
  onClose: () => void;
  group?: { id: string; name: string }; // absent: to be chosen
  policy: FactorPolicy; // to begin with
  taken: string[]; // groups that have one
};

const kinds: FactorKind[] = ['passkey', 'totp', 'recovery'];

export function PolicyDialog({ opened, onClose, group, policy, taken }: Props) {
  const { t } = useTranslation();
  const title = group ? t('factorPolicy.editTitle', { group: group.name }) : t('factorPolicy.addTitle');
  return (
    <Dialog opened={opened} onClose={onClose} title={title} size="lg">
      {opened && <PolicyForm onClose={onClose} group={group} policy={policy} taken={taken} />}
    </Dialog>
  );
}

function PolicyForm({ onClose, group, policy, taken }: Omit<Props, 'opened'>) {
  const { t } = useTranslation();
  const groups = useQuery({ ...groupsQuery(), enabled: !group });
  const free = (groups.data ?? []).filter((g) => !taken.includes(g.id));
  const [chosen, choose] = useState(group?.id ?? '');
  const [draft, setDraft] = useState(policy);
  const change = (part: Partial<FactorPolicy>) => setDraft((now) => ({ ...now, ...part }));
  const first = free[0]?.id;
  useEffect(() => {
    if (!group && !chosen && first) choose(first);
  }, [group, chosen, first]);

  const save = useAction(() => setFactorPolicy(chosen, asked(draft)), {
    refresh: [factorPoliciesQuery().queryKey, ['session'], ['factors'], ['audit']],
    done: () => {
      onClose();
      say(t('factorPolicy.saved', { group: group?.name ?? free.find((g) => g.id === chosen)?.name }));
    },
  });
  const wrong = save.problem?.byField() ?? {};
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (chosen) save.run();
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="lg">
        {!group && (
          <NativeSelect
            label={t('factorPolicy.group')}
            value={chosen}
            onChange={(e) => choose(e.currentTarget.value)}
            data={free.map((g) => ({ value: g.id, label: g.name }))}
          />
        )}
        <Switch
          label={t('factorPolicy.requiredLabel')}
          description={t('factorPolicy.requiredHint')}
          checked={draft.required}
          onChange={(e) => change({ required: e.currentTarget.checked })}
        />
        <Checkbox.Group
          label={t('factorPolicy.acceptedLabel')}
          value={draft.accepted}
          onChange={(list) => change({ accepted: kinds.filter((k) => k === 'passkey' || list.includes(k)) })}
          error={wrong.accepted}
        >
          <Stack gap="xs" mt="xs">
            <Checkbox
              value="passkey"
              label={t('factorPolicy.kind.passkey')}
              description={t('factorPolicy.passkeyHint')}
              disabled
            />
            <Checkbox value="totp" label={t('factorPolicy.kind.totp')} disabled={!draft.required} />
            <Checkbox value="recovery" label={t('factorPolicy.kind.recovery')} />
          </Stack>
        </Checkbox.Group>
        {draft.required && !draft.accepted.includes('totp') && <Text size="sm">{t('factorPolicy.onlyPasskeys')}</Text>}
        {draft.required && (
          <NumberInput
            label={t('factorPolicy.graceLabel')}
            description={t('factorPolicy.graceHint')}
            min={0}
            max={90}
            allowDecimal={false}
            value={draft.graceDays}
            onChange={(n) => change({ graceDays: Number(n) || 0 })}
            error={wrong.graceDays}
          />
        )}
        <NumberInput
          label={t('factorPolicy.aloneLabel')}
          description={t('factorPolicy.aloneHint')}
          min={0}
          max={365}
          allowDecimal={false}
          value={draft.passkeyDays}
          onChange={(n) => change({ passkeyDays: Number(n) || 0 })}
          error={wrong.passkeyDays}
        />
        <Text size="sm" c="dimmed">
          {t('factorPolicy.needs')}
        </Text>
        <ProblemNote problem={save.problem} />
        <div style={{ display: 'flex', justifyContent: 'flex-end', gap: 8 }}>
          <Button variant="default" onClick={onClose}>
            {t('common.cancel')}
          </Button>
          <Button type="submit" loading={save.pending} disabled={!chosen}>
            {t('common.save')}
          </Button>
        </div>
      </Stack>
    </form>
  );
}

/** What the form means: where no factor is required, apps are accepted and there is nothing to be graceful about. */
function asked(draft: FactorPolicy): FactorPolicy {
  if (draft.required) return draft;
  const accepted = kinds.filter((k) => k !== 'recovery' || draft.accepted.includes(k));
  return { ...draft, accepted, graceDays: 0 };
}
