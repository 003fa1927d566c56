import { Button } from '@mantine/core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { CopyButton } from './copy.tsx';
import classes from './form.module.css';

/** A secret that the portal shows this once, to be copied. */
export function SecretOnce({ secret, onDone, children }: { secret: string; onDone: () => void; children?: ReactNode }) {
  const { t } = useTranslation();
  return (
    <div className={classes.form}>
      <p>{t('tokens.once')}</p>
      <code className={classes.secret}>{secret}</code>
      <div>
        <CopyButton value={secret}>{t('copy.token')}</CopyButton>
      </div>
      {children}
      <div className={classes.buttons}>
        <Button onClick={onDone}>{t('common.done')}</Button>
      </div>
    </div>
  );
}
