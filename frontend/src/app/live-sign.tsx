import { useTranslation } from 'react-i18next';
import { useLive } from '../api/live.ts';
import classes from './shell.module.css';

/** Tells whether the page follows the portal live or asks every few seconds. */
export function LiveSign() {
  const { t } = useTranslation();
  const live = useLive();
  return (
    <p className={classes.live} data-on={live} role="status">
      <span aria-hidden className={classes.dot} />
      {live ? t('shell.live') : t('shell.polling')}
    </p>
  );
}
