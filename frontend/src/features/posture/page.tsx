import { Button, Menu } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconPlus, IconShieldCheck } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useRouteContext } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { deleteCheck, type Posture, type PostureCheck, postureQuery, type Severity } from '../../api/posture.ts';
import { may } from '../../api/rights.ts';
import { useAction } from '../../ui/action.ts';
import { Chip, type Tone } from '../../ui/chip.tsx';
import { Confirm } from '../../ui/confirm.tsx';
import { say } from '../../ui/notify.ts';
import { Page, Section } from '../../ui/page.tsx';
import { RowMenu } from '../../ui/row-menu.tsx';
import { Answer, Empty } from '../../ui/states.tsx';
import { DataTable } from '../../ui/table.tsx';
import { CheckDialog } from './check-dialog.tsx';
import { Exceptions } from './exceptions.tsx';
import { NotPassing } from './not-passing.tsx';
import classes from './posture.module.css';
import { TimesDialog } from './times-dialog.tsx';

const tones: Record<Severity, Tone> = { block: 'bad', risk: 'warn', warn: 'plain' };

export function PosturePage() {
  const { t } = useTranslation();
  const { session } = useRouteContext({ from: '/app' });
  const posture = useQuery(postureQuery());
  const writes = may(session, 'posture.write');
  const [adding, add] = useDisclosure(false);
  const button = writes && (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={add.open}>
      {t('postureAdmin.add')}
    </Button>
  );
  return (
    <Page title={t('postureAdmin.title')} lead={t('postureAdmin.lead')} actions={button}>
      <Answer query={posture}>
        {(view) => (
          <>
            {view.checks.length === 0 ? (
              <Empty icon={<IconShieldCheck size={26} stroke={1.6} />} title={t('postureAdmin.none')}>
                {t('postureAdmin.noneLead')}
              </Empty>
            ) : (
              <>
                <Summary devices={view.devices} />
                <Checks view={view} writes={writes} />
              </>
            )}
            <Exceptions items={view.exceptions} writes={writes} />
            <Times view={view} writes={writes} />
            {adding && <CheckDialog facts={view.facts} onClose={add.close} />}
          </>
        )}
      </Answer>
    </Page>
  );
}

function Summary({ devices }: { devices: Posture['devices'] }) {
  const { t } = useTranslation();
  const cells = [
    ['good', devices.good],
    ['warned', devices.warn],
    ['restricted', devices.risk],
    ['blocked', devices.block],
  ] as const;
  return (
    <dl className={classes.summary} aria-label={t('postureAdmin.summary')}>
      {cells.map(([label, n]) => (
        <div key={label}>
          <dt>{t(`postureAdmin.${label}`)}</dt>
          <dd>{n}</dd>
        </div>
      ))}
    </dl>
  );
}

function Checks({ view, writes }: { view: Posture; writes: boolean }) {
  const { t } = useTranslation();
  const [editing, edit] = useState<PostureCheck>();
  const [looking, look] = useState<PostureCheck>();
  return (
    <>
      <DataTable
        id="posture-checks"
        label={t('postureAdmin.title')}
        rows={view.checks}
        rowKey={(c) => c.id}
        columns={[
          { key: 'name', title: t('postureAdmin.name'), main: true, cell: (c) => <b>{c.name}</b> },
          { key: 'rule', title: t('postureAdmin.rule'), cell: (c) => <code>{c.rule}</code> },
          {
            key: 'severity',
            title: t('postureAdmin.severity'),
            cell: (c) => (
              <span className={classes.chips}>
                <Chip tone={c.reportOnly ? 'plain' : tones[c.severity]}>
                  {t(`postureAdmin.severities.${c.severity}`)}
                </Chip>
                {c.reportOnly && <Chip tone="accent">{t('postureAdmin.onlyReports')}</Chip>}
              </span>
            ),
          },
          { key: 'fails', title: t('postureAdmin.fails'), cell: (c) => <Counts check={c} onLook={() => look(c)} /> },
        ]}
        actions={(c) => <CheckMenu check={c} onLook={() => look(c)} onEdit={writes ? () => edit(c) : undefined} />}
      />
      {editing && <CheckDialog facts={view.facts} check={editing} onClose={() => edit(undefined)} />}
      {looking && <NotPassing check={looking} writes={writes} onClose={() => look(undefined)} />}
    </>
  );
}

function Counts({ check, onLook }: { check: PostureCheck; onLook: () => void }) {
  const { t } = useTranslation();
  const n = check.counts;
  const rest = (['grace', 'waiting', 'excepted'] as const).filter((key) => n[key] > 0);
  return (
    <>
      <button type="button" className={classes.count} onClick={onLook}>
        {t(check.reportOnly ? 'postureAdmin.wouldHit' : 'postureAdmin.failsNow', { count: n.fails })}
      </button>
      {rest.length > 0 && (
        <small className={classes.dim}>
          {' '}
          · {rest.map((key) => t(`postureAdmin.${key}`, { count: n[key] })).join(' · ')}
        </small>
      )}
    </>
  );
}

type MenuProps = { check: PostureCheck; onLook: () => void; onEdit?: () => void };

function CheckMenu({ check, onLook, onEdit }: MenuProps) {
  const { t } = useTranslation();
  const [asking, ask] = useDisclosure(false);
  const { name } = check;
  const remove = useAction(() => deleteCheck(check.id), {
    refresh: [['posture'], ['devices'], ['audit']],
    done: () => {
      ask.close();
      say(t('postureAdmin.removed', { name }));
    },
  });
  return (
    <>
      <RowMenu name={name}>
        <Menu.Item onClick={onLook}>{t('postureAdmin.who')}</Menu.Item>
        {onEdit && <Menu.Item onClick={onEdit}>{t('postureAdmin.edit')}</Menu.Item>}
        {onEdit && (
          <Menu.Item color="red" onClick={ask.open}>
            {t('postureAdmin.remove')}
          </Menu.Item>
        )}
      </RowMenu>
      <Confirm
        opened={asking}
        onClose={ask.close}
        title={t('postureAdmin.removeTitle', { name })}
        verb={t('postureAdmin.remove')}
        onConfirm={() => remove.run()}
        pending={remove.pending}
        problem={remove.problem}
      >
        <p>{t('postureAdmin.removeWhat')}</p>
      </Confirm>
    </>
  );
}

function Times({ view, writes }: { view: Posture; writes: boolean }) {
  const { t } = useTranslation();
  const [editing, edit] = useDisclosure(false);
  const hours = (seconds: number) => Math.round((seconds / 3600) * 10) / 10;
  return (
    <Section
      title={t('postureAdmin.times')}
      lead={t('postureAdmin.timesNow', {
        settle: hours(view.times.settleSeconds),
        silence: hours(view.times.silenceSeconds),
      })}
      actions={
        writes && (
          <Button variant="default" onClick={edit.open}>
            {t('postureAdmin.change')}
          </Button>
        )
      }
    >
      {editing && <TimesDialog times={view.times} onClose={edit.close} />}
    </Section>
  );
}
