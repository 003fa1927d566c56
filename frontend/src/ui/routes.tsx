import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import classes from './routes.module.css';

const shortened = 8;

/** What goes through the tunnel, as prefixes; long lists begin short. */
export function RouteList({ routes, count }: { routes: string[]; count: number }) {
  const { t } = useTranslation();
  const [all, setAll] = useState(false);
  const shown = all ? routes : routes.slice(0, shortened);
  return (
    <div className={classes.box}>
      <p>{t('routes.title', { count })}</p>
      {routes.length === 0 ? (
        <p>{t('routes.none')}</p>
      ) : (
        <ul className={classes.routes}>
          {shown.map((r) => (
            <li key={r}>
              <code>{r}</code>
            </li>
          ))}
        </ul>
      )}
      {!all && routes.length > shortened && (
        <button type="button" className={classes.more} onClick={() => setAll(true)}>
          {t('routes.more', { count: routes.length - shortened })}
        </button>
      )}
      {all && count > routes.length && <p>{t('routes.beyond', { count: count - routes.length })}</p>}
    </div>
  );
}
