// Which language the page speaks. Kept apart from i18next so that the sign-in page does not load it.
export const languages = ['en', 'ko'] as const;
export type Language = (typeof languages)[number];

const key = 'sallyport.language'; // read by public/first-paint.js too

/** The language chosen before, else the browser's first one that we speak, else English. */
export function currentLanguage(): Language {
  return asLanguage(stored()) ?? navigator.languages.map(asLanguage).find(Boolean) ?? 'en';
}

/** Keeps the choice for the next visit and tells the document, for screen readers and line breaking. */
export function rememberLanguage(language: Language) {
  try {
    localStorage.setItem(key, language);
  } catch {
    // private mode: the choice lasts as long as the page
  }
  document.documentElement.lang = language;
}

function asLanguage(tag: string | null | undefined): Language | undefined {
  return languages.find((l) => tag?.toLowerCase().startsWith(l));
}

function stored(): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}
