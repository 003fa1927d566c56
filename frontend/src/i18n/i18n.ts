import i18next from 'i18next';
import { initReactI18next } from 'react-i18next';
import type en from './en.json';
import { currentLanguage, type Language, rememberLanguage } from './language.ts';

declare module 'i18next' {
  interface CustomTypeOptions {
    resources: { translation: typeof en };
  }
}

const catalogues: Record<Language, () => Promise<{ default: object }>> = {
  en: () => import('./en.json'),
  ko: () => import('./ko.json'),
};

/** Starts i18next with the one catalogue that is needed. */
export async function startI18n() {
  const language = currentLanguage();
  const catalogue = await catalogues[language]();
  await i18next.use(initReactI18next).init({
    lng: language,
    resources: { [language]: { translation: catalogue.default } },
    interpolation: { escapeValue: false }, // React escapes
    returnNull: false,
  });
  rememberLanguage(language);
}

export async function changeLanguage(language: Language) {
  if (!i18next.hasResourceBundle(language, 'translation')) {
    const catalogue = await catalogues[language]();
    i18next.addResourceBundle(language, 'translation', catalogue.default);
  }
  await i18next.changeLanguage(language);
  rememberLanguage(language);
}
