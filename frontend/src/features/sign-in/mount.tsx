import { createRoot } from 'react-dom/client';
import { currentLanguage } from '../../i18n/language.ts';
import { SignInPage } from './page.tsx';
import { loadWords } from './words.ts';

export async function mountSignIn() {
  const root = document.getElementById('root');
  if (!root) throw new Error('no #root in index.html');
  const language = currentLanguage();
  createRoot(root).render(<SignInPage first={{ language, words: await loadWords(language) }} />);
}
