// Light, dark, or what the system says. The key is read by public/first-paint.js before the first paint.
import type { MantineColorScheme, MantineColorSchemeManager } from '@mantine/core';

const key = 'sallyport.scheme';

/** Keeps Mantine's choice of scheme in the same place that the first paint reads. */
export function schemeStore(): MantineColorSchemeManager {
  let onStorage: ((event: StorageEvent) => void) | undefined;
  return {
    get: (fallback) => asScheme(read()) ?? fallback,
    set: (scheme) => {
      try {
        localStorage.setItem(key, scheme);
      } catch {
        // private mode: the choice lasts as long as the page
      }
    },
    subscribe: (changed) => {
      onStorage = (event) => {
        const scheme = event.key === key ? asScheme(event.newValue) : undefined;
        if (scheme) changed(scheme);
      };
      window.addEventListener('storage', onStorage);
    },
    unsubscribe: () => {
      if (onStorage) window.removeEventListener('storage', onStorage);
    },
    clear: () => localStorage.removeItem(key),
  };
}

function asScheme(text: string | null): MantineColorScheme | undefined {
  return text === 'light' || text === 'dark' || text === 'auto' ? text : undefined;
}

function read(): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}
