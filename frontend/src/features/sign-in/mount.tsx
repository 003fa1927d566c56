import { createRoot } from 'react-dom/client';
import { SignInPage } from './page.tsx';

export function mountSignIn() {
  const root = document.getElementById('root');
  if (!root) throw new Error('no #root in index.html');
  createRoot(root).render(<SignInPage />);
}
