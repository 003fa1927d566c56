export type Provider = { id: string; name: string };

const key = 'sallyport.provider';

/** The provider used last comes first; the others keep the portal's order. */
export function inOrder(providers: Provider[], last: string | null): Provider[] {
  return [...providers].sort((a, b) => Number(b.id === last) - Number(a.id === last));
}

export function lastProvider(): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

export function rememberProvider(id: string) {
  try {
    localStorage.setItem(key, id);
  } catch {
    // private mode: the order stays the portal's
  }
}

/** Where the browser goes to sign in. Only paths of this portal are taken as the way back. */
export function startUrl(provider: string, returnTo: string | null): string {
  const query = new URLSearchParams({ provider });
  if (returnTo && /^\/(?![/\\])/.test(returnTo)) query.set('return_to', returnTo);
  return `/auth/start?${query}`;
}
