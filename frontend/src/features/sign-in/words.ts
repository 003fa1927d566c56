// The words of this page, without i18next: the catalogue of one language, and what this page needs of it.
import type en from '../../i18n/en.json';
import type { Language } from '../../i18n/language.ts';
import type { ProblemCatalogue } from '../../ui/problem-text.ts';

export type Words = Pick<typeof en, 'signIn' | 'enter' | 'demo'> & { problems: ProblemCatalogue };

export async function loadWords(language: Language): Promise<Words> {
  const { default: catalogue } =
    language === 'ko' ? await import('../../i18n/ko.json') : await import('../../i18n/en.json');
  return catalogue;
}

export function fill(text: string, values: Record<string, string>): string {
  return text.replace(/\{\{(\w+)\}\}/g, (_, name: string) => values[name] ?? '');
}
