import { IconCheck, IconShieldLock } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { RoleTable } from '../../api/roles.ts';
import { useRightText } from '../../ui/right-text.ts';
import classes from './roles.module.css';

/** The parts of the table, by the first word of a right. What belongs to none of them comes last. */
const parts: { name: 'own' | 'people' | 'network' | 'access' | 'portal'; of: string[] }[] = [
  { name: 'own', of: ['own'] },
  { name: 'people', of: ['people', 'staff', 'groups', 'devices'] },
  { name: 'network', of: ['gateways', 'profiles'] },
  { name: 'access', of: ['access', 'posture'] },
  { name: 'portal', of: [] },
];

/** The table by which the portal decides, as it is: it comes from the portal, not from here. */
export function RightsTable({ table }: { table: RoleTable }) {
  const { t } = useTranslation();
  const rightText = useRightText();
  const roles = table.roles.map((r) => r.role);
  const part = (right: string) => parts.find((p) => p.of.includes(right.split('.')[0] ?? ''))?.name ?? 'portal';
  return (
    <>
      <p className={classes.key}>
        <IconShieldLock size={15} aria-hidden />
        {t('roles.freshKey')}
      </p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a wide table scrolls, and must by keyboard too */}
      <section className={classes.scroll} aria-label={t('roles.table')} tabIndex={0}>
        <table className={classes.table}>
          <caption className="visually-hidden">{t('roles.table')}</caption>
          <thead>
            <tr>
              <th scope="col">{t('roles.right')}</th>
              {roles.map((role) => (
                <th key={role} scope="col">
                  {t(`role.${role}`)}
                </th>
              ))}
            </tr>
          </thead>
          {parts.map(({ name }) => (
            <tbody key={name}>
              <tr>
                <th scope="colgroup" colSpan={roles.length + 1} className={classes.part}>
                  {t(`roles.part.${name}`)}
                </th>
              </tr>
              {table.rights
                .filter((r) => part(r.right) === name)
                .map((r) => (
                  <tr key={r.right}>
                    <th scope="row" title={r.right}>
                      {rightText(r.right)}
                      {r.fresh && (
                        <IconShieldLock size={15} className={classes.fresh} role="img" aria-label={t('roles.fresh')} />
                      )}
                    </th>
                    {roles.map((role) => (
                      <Cell key={role} yes={r.roles.includes(role)} />
                    ))}
                  </tr>
                ))}
            </tbody>
          ))}
        </table>
      </section>
    </>
  );
}

function Cell({ yes }: { yes: boolean }) {
  const { t } = useTranslation();
  if (yes) {
    return (
      <td>
        <IconCheck size={17} role="img" aria-label={t('common.yes')} />
      </td>
    );
  }
  return (
    <td data-no>
      <span aria-hidden>–</span>
      <span className="visually-hidden">{t('common.no')}</span>
    </td>
  );
}
