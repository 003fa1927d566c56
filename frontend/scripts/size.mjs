// Fails when what a first visit loads is larger than the budget: compressed JavaScript of the sign-in page and of the app's shell.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

const dist = join(import.meta.dirname, '../dist');
const KiB = 1024;

// An entry's own imports, and the chunks that the first script chooses between.
const budgets = [
  {
    name: 'sign-in page',
    from: ['index.html', 'src/features/sign-in/mount.tsx', 'src/i18n/ko.json'],
    limit: 100 * KiB,
  },
  {
    name: 'app shell with home',
    from: ['index.html', 'src/app/mount.tsx', 'src/i18n/ko.json', 'src/features/home/page.tsx'],
    limit: 250 * KiB,
  },
];

const manifest = JSON.parse(readFileSync(join(dist, '.vite/manifest.json'), 'utf8'));

let over = false;
for (const { name, from, limit } of budgets) {
  const files = new Set();
  for (const entry of from) collect(entry, files);
  const size = [...files].reduce((sum, file) => sum + gzipSync(readFileSync(join(dist, file)), { level: 9 }).length, 0);
  const ok = size <= limit;
  over ||= !ok;
  console.log(
    `${ok ? 'ok  ' : 'OVER'} ${name}: ${(size / KiB).toFixed(1)} KiB gzip of ${limit / KiB} KiB, ${files.size} files`,
  );
}
process.exitCode = over ? 1 : 0;

/** Adds the chunk and everything that it imports without being asked. */
function collect(key, files) {
  const chunk = manifest[key];
  if (!chunk) throw new Error(`${key} is not in the manifest: was a file renamed?`);
  if (files.has(chunk.file)) return;
  if (chunk.file.endsWith('.js')) files.add(chunk.file);
  for (const next of chunk.imports ?? []) collect(next, files);
}
