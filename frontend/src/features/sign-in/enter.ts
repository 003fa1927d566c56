// Signing in without a provider, with fetch alone: this page does without the app's libraries.
import { signWithPasskey } from '../../api/passkey.ts';
import { asProblem } from '../../api/problem.ts';

/** Signs in with a passkey and returns where to go. Throws a Problem. */
export async function enterWithPasskey(returnTo: string | null): Promise<string> {
  const options = await post('/sign-in/passkey/challenge');
  const credential = await signWithPasskey(options);
  return after(await post('/sign-in/passkey', { credential }), returnTo);
}

/** Signs in with a local account and returns where to go. Throws a Problem. */
export async function enterLocally(username: string, password: string, returnTo: string | null): Promise<string> {
  return after(await post('/sign-in/local', { username, password }), returnTo);
}

function after(session: Record<string, unknown>, returnTo: string | null): string {
  const own = returnTo && /^\/(?![/\\])/.test(returnTo) ? returnTo : '/';
  if (session.stage === 'ready') return own;
  return own === '/' ? '/second-factor' : `/second-factor?${new URLSearchParams({ return_to: own })}`;
}

async function post(path: string, body?: object): Promise<Record<string, unknown>> {
  let response: Response;
  try {
    response = await fetch(`/api/v1${path}`, {
      method: 'POST',
      headers: body && { 'Content-Type': 'application/json' },
      body: body && JSON.stringify(body),
    });
  } catch (err) {
    throw asProblem(err);
  }
  const answer = await response.json().catch(() => undefined);
  if (!response.ok || !answer) throw asProblem(answer, response);
  return answer;
}
