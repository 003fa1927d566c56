import { useTranslation } from 'react-i18next';
import classes from './wizard.module.css';

/** How far one is, in words and as a bar. */
export function StepBar({ step, count }: { step: number; count: number }) {
  const { t } = useTranslation();
  return (
    <div className={classes.bar}>
      <p>{t('wizard.step', { step: step + 1, count })}</p>
      <div aria-hidden className={classes.ticks}>
        {Array.from({ length: count }, (_, i) => (
          <span key={i} data-done={i <= step} />
        ))}
      </div>
    </div>
  );
}
