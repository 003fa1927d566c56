import createClient from 'openapi-fetch';
import { asProblem, Problem } from './problem.ts';
import type { components, paths } from './schema.gen.ts';

export type Schemas = components['schemas'];

/** Milliseconds in which the answer with a new cookie has arrived. */
const rotation = 300;

/**
 * Showing a second factor changes the session's cookie, and a read that was on its way meanwhile carried the old one. So a read that is
 * told to sign in tries once more, with the cookie of then.
 */
export async function readTwice(request: Request): Promise<Response> {
  const again = request.method === 'GET' ? request.clone() : undefined;
  const response = await fetch(request);
  if (response.status !== 401 || !again) return response;
  await new Promise((done) => setTimeout(done, rotation));
  return fetch(again);
}

export const http = createClient<paths>({ baseUrl: '/api/v1', fetch: readTwice });

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
    if (stepsBefore.has(problem.code) && goTo('/second-factor')) return new Promise(() => {});
    throw problem;
  }
  return answer.data as T;
}

/** What a session hears that was ready, and is not any more: what counts as a second factor has changed. */
const stepsBefore = new Set(['factor_enrolment_required', 'factor_verification_required']);

/** Leaves the app for the sign-in page, and comes back to where the person was. False when it is there already. */
export const goToSignIn = (params: Record<string, string> = {}): boolean => goTo('/sign-in', params);

function goTo(page: '/sign-in' | '/second-factor', params: Record<string, string> = {}): boolean {
  if (location.pathname === page) return false;
  const back = location.pathname + location.search;
  const query = new URLSearchParams(params);
  if (back !== '/') query.set('return_to', back);
  const tail = query.size > 0 ? `?${query}` : '';
  location.assign(`${page}${tail}`);
  return true;
}
