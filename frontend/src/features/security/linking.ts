import type { Identity } from '../../api/identity-providers.ts';

const key = 'sallyport.linking';

/** Keeps which accounts there were when the person left for a provider, in this tab. */
export const remember = (list: Identity[]) => sessionStorage.setItem(key, JSON.stringify(list.map((one) => one.id)));

/** The accounts that have come since, and forgets about it. None where nobody has left. */
export function recall(list: Identity[]): Identity[] {
  const kept = sessionStorage.getItem(key);
  sessionStorage.removeItem(key);
  if (!kept) return [];
  const before = new Set<string>(JSON.parse(kept));
  return list.filter((one) => !before.has(one.id));
}
