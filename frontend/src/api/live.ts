// Live state: the portal's event stream tells that something changed, and the queries that show it are asked again.
import type { QueryClient, QueryKey } from '@tanstack/react-query';
import { useSyncExternalStore } from 'react';

const stale: Record<string, QueryKey[]> = {
  audit: [['audit']],
  device: [['devices'], ['posture'], ['overview'], ['people'], ['waiting']],
  gateway: [['gateways'], ['overview'], ['pops'], ['profiles']],
  person: [['people'], ['overview'], ['session'], ['roles']],
  profile: [['profiles'], ['devices']],
  request: [['requests'], ['rules'], ['waiting']],
  rule: [['rules'], ['resources'], ['policyTests'], ['groups']],
  session: [['session'], ['sessions']],
};

const pollEvery = 5_000; // ms, while the stream is down

let connected = false;
const listeners = new Set<() => void>();

/** Follows the stream until the returned function is called. While it is down, what is on screen is polled. */
export function followEvents(queries: QueryClient): () => void {
  const stream = new EventSource('/api/v1/events');
  const pending = new Set<string>();
  let flush: ReturnType<typeof setTimeout> | undefined;

  const refresh = (kind: string) => {
    pending.add(kind);
    flush ??= setTimeout(() => {
      flush = undefined;
      const keys = [...pending].flatMap((k) => stale[k] ?? []);
      pending.clear();
      for (const queryKey of unique(keys)) void queries.invalidateQueries({ queryKey });
    }, 50); // a burst of events is one look
  };
  const refreshAll = () => void queries.invalidateQueries();

  stream.onopen = () => {
    if (!connected) refreshAll(); // what happened meanwhile was not told
    setConnected(true);
  };
  stream.onerror = () => setConnected(false);
  stream.addEventListener('change', (event) => refresh(kindOf(event.data)));
  stream.addEventListener('reset', refreshAll);

  const poll = setInterval(() => {
    if (!connected && document.visibilityState === 'visible') refreshAll();
  }, pollEvery);

  return () => {
    stream.close();
    clearInterval(poll);
    clearTimeout(flush);
    setConnected(false);
  };
}

/** Whether the event stream is up. */
export function useLive(): boolean {
  return useSyncExternalStore(
    (changed) => {
      listeners.add(changed);
      return () => listeners.delete(changed);
    },
    () => connected,
  );
}

/** The kind that an event names; '' when it is not what the contract says. */
export function kindOf(data: string): string {
  try {
    const parsed: unknown = JSON.parse(data);
    return typeof parsed === 'object' && parsed !== null && 'kind' in parsed ? String(parsed.kind) : '';
  } catch {
    return '';
  }
}

function unique(keys: QueryKey[]): QueryKey[] {
  return [...new Map(keys.map((k) => [JSON.stringify(k), k])).values()];
}

function setConnected(next: boolean) {
  if (connected === next) return;
  connected = next;
  for (const changed of listeners) changed();
}
