// The words of this page alone, so that it loads neither i18next nor whole catalogues: the bundler keeps the named parts.
import { demo as demoEn, problems as problemsEn, signIn as signInEn } from '../../i18n/en.json';
import { demo as demoKo, problems as problemsKo, signIn as signInKo } from '../../i18n/ko.json';
import type { Language } from '../../i18n/language.ts';
import type { ProblemCatalogue } from '../../ui/problem-text.ts';

type Words = { signIn: typeof signInEn; demo: typeof demoEn; problems: ProblemCatalogue };

export const words: Record<Language, Words> = {
  en: { signIn: signInEn, demo: demoEn, problems: problemsEn },
  ko: { signIn: signInKo, demo: demoKo, problems: problemsKo },
};

export function fill(text: string, values: Record<string, string>): string {
  return text.replace(/\{\{(\w+)\}\}/g, (_, name: string) => values[name] ?? '');
}
