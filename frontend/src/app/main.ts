// The first script. The sign-in page is all that most visits need at first, so it does not wait for the app behind it.
import '../ui/tokens.css';

const idle = 1500; // ms after which the sign-in page fetches what comes next, while the person reads

if (location.pathname === '/sign-in') {
  void import('../features/sign-in/mount.tsx').then(({ mountSignIn }) => mountSignIn());
  setTimeout(() => void fetchApp().catch(() => undefined), idle);
} else {
  void import('./mount.tsx').then(({ mountApp }) => mountApp());
}

/** Brings the app into the browser's cache without running it. */
function fetchApp() {
  return Promise.all([
    import('./mount.tsx'),
    import('../features/factor/page.tsx'),
    import('../features/home/page.tsx'),
  ]);
}
