import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { readTwice } from './http.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const answers = (...statuses: number[]) => {
  const fetch = vi.fn<(r: Request) => Promise<Response>>(async () => new Response(null, { status: statuses.shift() }));
  vi.stubGlobal('fetch', fetch);
  return fetch;
};

const send = async (method: string) => {
  const response = readTwice(new Request('https://portal.example/api/v1/session', { method }));
  await vi.runAllTimersAsync();
  return (await response).status;
};

test('a read with the cookie from before the second factor is made again', async () => {
  const fetch = answers(401, 200);
  expect(await send('GET')).toBe(200);
  expect(fetch).toHaveBeenCalledTimes(2);
});

test('a session that has ended is asked twice and no more', async () => {
  const fetch = answers(401, 401, 200);
  expect(await send('GET')).toBe(401);
  expect(fetch).toHaveBeenCalledTimes(2);
});

test('a write is never made again', async () => {
  const fetch = answers(401, 200);
  expect(await send('DELETE')).toBe(401);
  expect(fetch).toHaveBeenCalledTimes(1);
});
