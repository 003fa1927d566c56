import { useSyncExternalStore } from 'react';
import { useTranslation } from 'react-i18next';
import { formatExact, formatRelative } from './format.ts';

let now = new Date();
let timer: ReturnType<typeof setInterval> | undefined;
const listeners = new Set<() => void>();

/** The time, kept to the second for as long as somebody looks. One clock for the whole page. */
export function useNow(): Date {
  return useSyncExternalStore(subscribe, () => now);
}

function subscribe(changed: () => void) {
  listeners.add(changed);
  if (!timer) {
    now = new Date();
    timer = setInterval(() => {
      now = new Date();
      for (const tell of listeners) tell();
    }, 1000);
  }
  return () => {
    listeners.delete(changed);
    if (listeners.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

/** "3 minutes ago", kept true, with the exact local time on hover. */
export function RelativeTime({ at }: { at: string }) {
  const { i18n } = useTranslation();
  const when = new Date(at);
  return (
    <time dateTime={at} title={formatExact(when, i18n.language)}>
      {formatRelative(when, useNow(), i18n.language)}
    </time>
  );
}
