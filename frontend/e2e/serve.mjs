// A real `sallyport serve` on loopback whose identity provider does not answer, and the command line on its database.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { binary, freePort } from './demo.mjs';

/** Starts the portal and waits until it is ready. */
export async function startServe() {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-serve-'));
  const [port, gateways, metrics] = await Promise.all([freePort(), freePort(), freePort()]);
  const url = `http://localhost:${port}`;
  const config = join(dir, 'config.yaml');
  const key = join(dir, 'master.key');
  writeFileSync(key, execFileSync(binary, ['keys', 'new'], { encoding: 'utf8' }), { mode: 0o600 });
  writeFileSync(
    config,
    JSON.stringify({
      public_url: url,
      listen: `127.0.0.1:${port}`,
      database: join(dir, 'sallyport.db'),
      master_key_file: key,
      gateways: { listen: `127.0.0.1:${gateways}` },
      metrics: { listen: `127.0.0.1:${metrics}` },
      local_accounts: 'true',
      // Nothing listens on port 1: the provider is down.
      providers: [{ id: 'corp', name: 'Corp', issuer: 'https://127.0.0.1:1', client_id: 'sallyport' }],
    }),
  );
  const child = spawn(binary, ['serve', '--config', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  const log = [];
  child.stderr.on('data', (chunk) => log.push(chunk));
  const stop = async () => {
    if (child.exitCode === null) {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
    }
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    await ready(`http://127.0.0.1:${metrics}/readyz`, child, log);
  } catch (err) {
    await stop();
    throw err;
  }
  /** Runs `sallyport …` on the same database. */
  const command = (args, input = '') =>
    execFileSync(binary, [...args, '--config', config], { encoding: 'utf8', input, stdio: 'pipe' });
  return { url, stop, command };
}

async function ready(at, child, log) {
  const until = Date.now() + 30_000;
  for (;;) {
    const ok = await fetch(at).then(
      (r) => r.ok,
      () => false,
    );
    if (ok) return;
    if (child.exitCode !== null || Date.now() > until)
      throw new Error(`the portal is not ready\n${Buffer.concat(log)}`);
    await new Promise((again) => setTimeout(again, 50));
  }
}
