import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { signInQuery } from '../api/session.ts';
import classes from './shell.module.css';

/** Says that this is a demo, on every page, because its identity provider lets anybody in. */
export function DemoBanner() {
  const { t } = useTranslation();
  const { data } = useQuery(signInQuery());
  if (!data?.demo) return null;
  return (
    <p className={classes.demo} role="note">
      {t('demo.banner')}
    </p>
  );
}
