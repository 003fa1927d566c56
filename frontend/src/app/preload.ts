// Named by the sign-in page: fetches what comes after it into the cache, without running the app.
import './mount.tsx';
import '../features/factor/page.tsx';
import '../features/home/page.tsx';
