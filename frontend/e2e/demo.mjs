// A real `sallyport demo` process with a state of its own, on free ports.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const binary = process.env.SALLYPORT_BIN ?? join(import.meta.dirname, '../../bin/sallyport');

/** Starts the demo and waits until it says that it is ready. Returns its URL and how to stop it. */
export async function startDemo() {
  if (!existsSync(binary)) throw new Error(`${binary} is not built: run "make build", or set SALLYPORT_BIN`);
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-e2e-'));
  const child = spawn(binary, ['demo', '--port', String(await freePort()), '--data', dir], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const log = [];
  child.stderr.on('data', (chunk) => log.push(chunk));
  try {
    const url = await announced(child, log);
    return { url, stop: () => stop(child, dir), log: () => Buffer.concat(log).toString() };
  } catch (err) {
    await stop(child, dir);
    throw err;
  }
}

function announced(child, log) {
  return new Promise((resolve, reject) => {
    let out = '';
    const late = setTimeout(() => reject(new Error(`the demo said nothing for 30 s\n${Buffer.concat(log)}`)), 30_000);
    child.stdout.on('data', (chunk) => {
      out += chunk;
      const url = /Portal\s+(http\S+)/.exec(out)?.[1];
      if (!url) return;
      clearTimeout(late);
      resolve(url);
    });
    child.once('exit', (code) => {
      clearTimeout(late);
      reject(new Error(`the demo ended with ${code}\n${out}\n${Buffer.concat(log)}`));
    });
  });
}

async function stop(child, dir) {
  if (child.exitCode === null) {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await ended;
  }
  rmSync(dir, { recursive: true, force: true });
}

export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
