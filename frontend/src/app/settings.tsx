import { Link, Outlet, useRouteContext, useRouterState } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { may } from '../api/rights.ts';
import classes from './settings.module.css';
import { settingsTabs } from './settings-tabs.ts';

/** The frame of what is set once and looked at rarely: its pages as tabs, those that the role may look at. */
export function Settings() {
  const { t } = useTranslation();
  const { session } = useRouteContext({ from: '/app' });
  const path = useRouterState({ select: (s) => s.location.pathname });
  return (
    <>
      <nav aria-label={t('nav.settings')} className={classes.tabs}>
        <ul>
          {settingsTabs
            .filter((tab) => may(session, tab.right))
            .map((tab) => (
              <li key={tab.to}>
                <Link to={tab.to} aria-current={path.startsWith(tab.to) ? 'page' : undefined}>
                  {t(`settingsTabs.${tab.label}`)}
                </Link>
              </li>
            ))}
        </ul>
      </nav>
      <Outlet />
    </>
  );
}
