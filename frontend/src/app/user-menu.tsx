import { Menu, UnstyledButton, useMantineColorScheme } from '@mantine/core';
import { IconCheck, IconLogout, IconSelector } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { goToSignIn } from '../api/http.ts';
import { type Session, signOut } from '../api/session.ts';
import { changeLanguage } from '../i18n/i18n.ts';
import type { Language } from '../i18n/language.ts';
import { useAction } from '../ui/action.ts';
import classes from './shell.module.css';

const languageNames: [Language, string][] = [
  ['en', 'English'],
  ['ko', '한국어'],
];

export function UserMenu({ session, compact }: { session: Session; compact?: boolean }) {
  const { t, i18n } = useTranslation();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const leave = useAction(signOut, {
    done: (at) => (at ? location.assign(at.redirect) : goToSignIn({ signed_out: '1' })),
  });
  const name = session.user.name || session.user.email;

  return (
    <Menu width={248} position={compact ? 'bottom-end' : 'top-start'} shadow="md">
      <Menu.Target>
        <UnstyledButton className={classes.user}>
          <span className="visually-hidden">
            {t('userMenu.open')} {compact && name}
          </span>
          <span aria-hidden className={classes.avatar}>
            {initials(name)}
          </span>
          {!compact && (
            <>
              <span className={classes.who}>
                <b>{name}</b>
                <span>{session.user.email}</span>
              </span>
              <IconSelector size={16} aria-hidden />
            </>
          )}
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        {compact && <Menu.Label>{session.user.email || name}</Menu.Label>}
        <Menu.Label>{t('userMenu.language')}</Menu.Label>
        {languageNames.map(([code, label]) => (
          <Menu.Item
            key={code}
            lang={code}
            role="menuitemradio"
            aria-checked={i18n.language === code}
            rightSection={i18n.language === code ? <IconCheck size={16} aria-hidden /> : null}
            onClick={() => void changeLanguage(code)}
          >
            {label}
          </Menu.Item>
        ))}
        <Menu.Label>{t('userMenu.theme')}</Menu.Label>
        {(['auto', 'light', 'dark'] as const).map((scheme) => (
          <Menu.Item
            key={scheme}
            role="menuitemradio"
            aria-checked={colorScheme === scheme}
            rightSection={colorScheme === scheme ? <IconCheck size={16} aria-hidden /> : null}
            onClick={() => setColorScheme(scheme)}
          >
            {t(`userMenu.scheme.${scheme}`)}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item leftSection={<IconLogout size={16} aria-hidden />} onClick={() => leave.run()}>
          {t('userMenu.signOut')}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

/** First letters of the first and last word; of Korean names, which have no spaces, the given name's. */
function initials(name: string): string {
  const words = name.trim().split(/\s+/);
  const first = [...(words[0] ?? '?')];
  if (words.length > 1) return `${first[0]}${[...(words.at(-1) ?? '')][0] ?? ''}`.toUpperCase();
  return first
    .slice(/[가-힣]/.test(name) ? -2 : 0, /[가-힣]/.test(name) ? undefined : 2)
    .join('')
    .toUpperCase();
}
