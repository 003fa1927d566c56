import i18next from 'i18next';
import { initReactI18next } from 'react-i18next';
import type adminEn from './admin/en.json';
import type en from './en.json';
import { currentLanguage, type Language, rememberLanguage } from './language.ts';
import type postureEn from './posture/en.json';

declare module 'i18next' {
  interface CustomTypeOptions {
    resources: { translation: typeof en & typeof adminEn & typeof postureEn };
  }
}

type Load = () => Promise<{ default: object }>;

const catalogues: Record<Language, Load> = {
  en: () => import('./en.json'),
  ko: () => import('./ko.json'),
};

/** What most visits never show: the admin part, and what is said about the checks of a device. */
const extras = {
  admin: { en: () => import('./admin/en.json'), ko: () => import('./admin/ko.json') },
  posture: { en: () => import('./posture/en.json'), ko: () => import('./posture/ko.json') },
} satisfies Record<string, Record<Language, Load>>;

const loaded = new Set<keyof typeof extras>();

async function texts(language: Language): Promise<object> {
  const wanted = [catalogues[language](), ...[...loaded].map((name) => extras[name][language]())];
  return Object.assign({}, ...(await Promise.all(wanted)).map((catalogue) => catalogue.default));
}

/** Starts i18next with the one catalogue that is needed. */
export async function startI18n() {
  const language = currentLanguage();
  await i18next.use(initReactI18next).init({
    lng: language,
    resources: { [language]: { translation: await texts(language) } },
    interpolation: { escapeValue: false }, // React escapes
    returnNull: false,
  });
  rememberLanguage(language);
}

async function load(name: keyof typeof extras) {
  if (loaded.has(name)) return;
  const language = i18next.language as Language;
  const catalogue = await extras[name][language]();
  i18next.addResourceBundle(language, 'translation', catalogue.default, true, true);
  loaded.add(name);
}

/** Adds the texts of the admin part, once. Its routes wait for them. */
export const loadAdminTexts = () => load('admin');

/** Adds the texts about checks of devices, once. */
export const loadPostureTexts = () => load('posture');

export async function changeLanguage(language: Language) {
  i18next.addResourceBundle(language, 'translation', await texts(language), true, true);
  await i18next.changeLanguage(language);
  rememberLanguage(language);
}
