import createClient from 'openapi-fetch';
import { asProblem, Problem } from './problem.ts';
import type { components, paths } from './schema.gen.ts';

export type Schemas = components['schemas'];

export const http = createClient<paths>({ baseUrl: '/api/v1' });

type Answer<T> = { data?: T; error?: unknown; response: Response };

/** Returns the body of a good answer and throws a Problem otherwise. A session that has ended leads to the sign-in page. */
export async function ok<T>(call: Promise<Answer<T>>): Promise<T> {
  let answer: Answer<T>;
  try {
    answer = await call;
  } catch (err) {
    if (err instanceof DOMException && err.name === 'AbortError') throw err;
    throw new Problem({ code: 'network' });
  }
  if (!answer.response.ok) {
    const problem = asProblem(answer.error, answer.response);
    if (problem.code === 'signed_out' && goToSignIn()) return new Promise(() => {}); // the page is being left
    throw problem;
  }
  return answer.data as T;
}

/** Leaves the app for the sign-in page, and comes back to where the person was. False when it is there already. */
export function goToSignIn(params: Record<string, string> = {}): boolean {
  if (location.pathname === '/sign-in') return false;
  const back = location.pathname + location.search;
  const query = new URLSearchParams(params);
  if (back !== '/') query.set('return_to', back);
  const tail = query.size > 0 ? `?${query}` : '';
  location.assign(`/sign-in${tail}`);
  return true;
}
