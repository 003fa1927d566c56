// The first script. The sign-in page is all that most visits need at first, so it does not wait for the app behind it.
import '../ui/tokens.css';

if (location.pathname === '/sign-in') {
  void import('../features/sign-in/mount.tsx').then(({ mountSignIn }) => mountSignIn());
} else {
  void import('./mount.tsx').then(({ mountApp }) => mountApp());
}
