import { Button } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useTranslation } from 'react-i18next';
import { deleteException, type PostureException } from '../../api/posture.ts';
import { useAction } from '../../ui/action.ts';
import { Confirm } from '../../ui/confirm.tsx';
import { say } from '../../ui/notify.ts';
import { Section } from '../../ui/page.tsx';
import { DataTable } from '../../ui/table.tsx';
import { RelativeTime } from '../../ui/time.tsx';
import classes from './posture.module.css';

export function Exceptions({ items, writes }: { items: PostureException[]; writes: boolean }) {
  const { t } = useTranslation();
  return (
    <Section title={t('postureAdmin.exceptions')}>
      {items.length === 0 ? (
        <p className={classes.dim}>{t('postureAdmin.noExceptions')}</p>
      ) : (
        <DataTable
          id="posture-exceptions"
          label={t('postureAdmin.exceptions')}
          rows={items}
          rowKey={(e) => e.id}
          columns={[
            {
              key: 'name',
              title: t('postureAdmin.device'),
              main: true,
              cell: (e) => (e.owner ? `${e.name} (${e.owner})` : e.name),
            },
            { key: 'check', title: t('postureAdmin.check'), cell: (e) => e.check ?? t('postureAdmin.every') },
            { key: 'until', title: t('postureAdmin.until'), cell: (e) => <RelativeTime at={e.until} /> },
            { key: 'reason', title: t('postureAdmin.reason'), cell: (e) => e.reason },
          ]}
          actions={writes ? (e) => <End exception={e} /> : undefined}
        />
      )}
    </Section>
  );
}

function End({ exception }: { exception: PostureException }) {
  const { t } = useTranslation();
  const [asking, ask] = useDisclosure(false);
  const { name } = exception;
  const end = useAction(() => deleteException(exception.id), {
    refresh: [['posture'], ['devices'], ['audit']],
    done: () => {
      ask.close();
      say(t('postureAdmin.ended'));
    },
  });
  return (
    <>
      <Button size="compact-sm" variant="subtle" color="red" onClick={ask.open}>
        {t('postureAdmin.endException')}
      </Button>
      <Confirm
        opened={asking}
        onClose={ask.close}
        title={t('postureAdmin.endTitle', { name })}
        verb={t('postureAdmin.endException')}
        onConfirm={() => end.run()}
        pending={end.pending}
        problem={end.problem}
      >
        <p>{t('postureAdmin.endWhat')}</p>
      </Confirm>
    </>
  );
}
