import i18next from 'i18next';
import { initReactI18next } from 'react-i18next';
import type adminEn from './admin/en.json';
import type en from './en.json';
import { currentLanguage, type Language, rememberLanguage } from './language.ts';

declare module 'i18next' {
  interface CustomTypeOptions {
    resources: { translation: typeof en & typeof adminEn };
  }
}

type Load = () => Promise<{ default: object }>;

const catalogues: Record<Language, Load> = {
  en: () => import('./en.json'),
  ko: () => import('./ko.json'),
};

/** What only the admin part says: a worker's first visit does not load it. */
const adminCatalogues: Record<Language, Load> = {
  en: () => import('./admin/en.json'),
  ko: () => import('./admin/ko.json'),
};

let withAdmin = false;

async function texts(language: Language): Promise<object> {
  const wanted = withAdmin ? [catalogues[language](), adminCatalogues[language]()] : [catalogues[language]()];
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

/** Adds the texts of the admin part, once. Its routes wait for them. */
export async function loadAdminTexts() {
  if (withAdmin) return;
  const language = i18next.language as Language;
  const catalogue = await adminCatalogues[language]();
  i18next.addResourceBundle(language, 'translation', catalogue.default, true, true);
  withAdmin = true;
}

export async function changeLanguage(language: Language) {
  i18next.addResourceBundle(language, 'translation', await texts(language), true, true);
  await i18next.changeLanguage(language);
  rememberLanguage(language);
}
