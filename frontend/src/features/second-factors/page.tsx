import { Button, Menu } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useRouteContext } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { deleteFactorPolicy, type FactorPolicy, factorPoliciesQuery } from '../../api/factor-policies.ts';
import { may } from '../../api/rights.ts';
import { useAction } from '../../ui/action.ts';
import { Chip } from '../../ui/chip.tsx';
import { Confirm } from '../../ui/confirm.tsx';
import { say } from '../../ui/notify.ts';
import { Page } from '../../ui/page.tsx';
import { RowMenu } from '../../ui/row-menu.tsx';
import { Answer } from '../../ui/states.tsx';
import { DataTable } from '../../ui/table.tsx';
import { PolicyDialog } from './dialog.tsx';

/** The group that everybody is in. */
const everyone = 'everyone';

/** A line of the table. Everyone has one also while nobody has set it. */
export type Line = { group: { id: string; name: string }; policy: FactorPolicy; set: boolean };

export function SecondFactorsPage() {
  const { t } = useTranslation();
  const { session } = useRouteContext({ from: '/app' });
  const policies = useQuery(factorPoliciesQuery());
  const [editing, edit] = useState<Line>();
  const [adding, add] = useDisclosure(false);
  const writes = may(session, 'settings.write');
  return (
    <Page
      title={t('factorPolicy.title')}
      lead={t('factorPolicy.lead')}
      actions={
        writes && (
          <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={add.open}>
            {t('factorPolicy.add')}
          </Button>
        )
      }
    >
      <Answer query={policies}>
        {({ items, standard }) => {
          const all = { id: everyone, name: t('factorPolicy.everyone') };
          const lines: Line[] = items.map((p) => ({ ...p, group: p.group.id === everyone ? all : p.group, set: true }));
          if (!lines.some((l) => l.group.id === everyone)) lines.unshift({ group: all, policy: standard, set: false });
          return (
            <>
              <Policies lines={lines} onEdit={writes ? edit : undefined} />
              <PolicyDialog
                opened={adding}
                onClose={add.close}
                policy={standard}
                taken={lines.map((line) => line.group.id)}
              />
              <PolicyDialog
                opened={editing !== undefined}
                onClose={() => edit(undefined)}
                group={editing?.group}
                policy={editing?.policy ?? standard}
                taken={[]}
              />
            </>
          );
        }}
      </Answer>
    </Page>
  );
}

function Policies({ lines, onEdit }: { lines: Line[]; onEdit?: (line: Line) => void }) {
  const { t } = useTranslation();
  return (
    <DataTable
      id="factor-policies"
      label={t('factorPolicy.title')}
      rows={lines}
      rowKey={(l) => l.group.id}
      columns={[
        {
          key: 'group',
          title: t('factorPolicy.group'),
          main: true,
          cell: (l) => (
            <>
              {l.group.name} {!l.set && <Chip tone="plain">{t('factorPolicy.standard')}</Chip>}
            </>
          ),
        },
        {
          key: 'required',
          title: t('factorPolicy.need'),
          cell: (l) => t(l.policy.required ? 'factorPolicy.required' : 'factorPolicy.optional'),
        },
        {
          key: 'accepted',
          title: t('factorPolicy.accepted'),
          cell: (l) => l.policy.accepted.map((kind) => t(`factorPolicy.kind.${kind}`)).join(', '),
        },
        {
          key: 'grace',
          title: t('factorPolicy.grace'),
          cell: (l) =>
            l.policy.graceDays > 0
              ? t('factorPolicy.graceDays', { count: l.policy.graceDays })
              : t('factorPolicy.graceNone'),
        },
        {
          key: 'alone',
          title: t('factorPolicy.alone'),
          cell: (l) =>
            l.policy.passkeyDays > 0
              ? t('factorPolicy.aloneDays', { count: l.policy.passkeyDays })
              : t('factorPolicy.aloneNever'),
        },
      ]}
      actions={onEdit && ((line) => <LineMenu line={line} onEdit={() => onEdit(line)} />)}
    />
  );
}

function LineMenu({ line, onEdit }: { line: Line; onEdit: () => void }) {
  const { t } = useTranslation();
  const [asking, ask] = useDisclosure(false);
  const group = line.group.name;
  const remove = useAction(() => deleteFactorPolicy(line.group.id), {
    refresh: [factorPoliciesQuery().queryKey, ['session'], ['audit']],
    done: () => {
      ask.close();
      say(t('factorPolicy.removed', { group }));
    },
  });
  return (
    <>
      <RowMenu name={group}>
        <Menu.Item onClick={onEdit}>{t('factorPolicy.edit')}</Menu.Item>
        {line.set && (
          <Menu.Item color="red" onClick={ask.open}>
            {t('factorPolicy.remove')}
          </Menu.Item>
        )}
      </RowMenu>
      <Confirm
        opened={asking}
        onClose={ask.close}
        title={t('factorPolicy.removeTitle', { group })}
        verb={t('factorPolicy.remove')}
        onConfirm={() => remove.run()}
        pending={remove.pending}
        problem={remove.problem}
      >
        <p>{t('factorPolicy.removeWhat')}</p>
      </Confirm>
    </>
  );
}
