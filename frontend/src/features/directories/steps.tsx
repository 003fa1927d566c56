import { SegmentedControl } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Card } from '../../ui/page.tsx';
import classes from './directories.module.css';

const kinds = ['entra', 'okta', 'other'] as const;

/** What to click in the directory, for the two that most companies have, and for any other. */
export function Steps({ url }: { url: string }) {
  const { t } = useTranslation();
  const [kind, choose] = useState<(typeof kinds)[number]>('entra');
  const steps = t(`directories.how.${kind}.steps`, { url, returnObjects: true }) as string[];
  return (
    <Card>
      <SegmentedControl
        aria-label={t('directories.which')}
        value={kind}
        onChange={(next) => choose(next as typeof kind)}
        data={kinds.map((k) => ({ value: k, label: t(`directories.how.${k}.name`) }))}
      />
      <ol className={classes.steps}>
        {steps.map((step) => (
          <li key={step}>{step}</li>
        ))}
      </ol>
      <p className={classes.note}>{t(`directories.how.${kind}.note`)}</p>
    </Card>
  );
}
