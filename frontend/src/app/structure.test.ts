// Holds the arrows between folders: app → features → ui → api, wireguard, openvpn, i18n. Features do not know each other.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, test } from 'vitest';

const src = join(import.meta.dirname, '..');
const longest = 450; // lines

const may: Record<string, string[]> = {
  app: ['app', 'features', 'ui', 'api', 'i18n'],
  features: ['features', 'ui', 'api', 'wireguard', 'openvpn', 'i18n'],
  ui: ['ui', 'api', 'wireguard', 'i18n'],
  wireguard: ['wireguard', 'api'],
  openvpn: ['openvpn', 'api'], // types of the contract // types of the contract
  api: ['api'],
  i18n: ['i18n'],
};

const files = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((f) => /\.tsx?$/.test(f) && !/\.(test|gen)\.tsx?$/.test(f))
  .sort();

test('imports go one way', () => {
  const wrong: string[] = [];
  for (const file of files) {
    const folder = file.split('/')[0] ?? '';
    for (const target of importsOf(file)) {
      const to = target.split('/')[0] ?? '';
      if (!may[folder]?.includes(to)) wrong.push(`${file} → ${target}`);
      const sameFeature = target.split('/')[1] === file.split('/')[1];
      if (folder === 'features' && to === 'features' && !sameFeature) wrong.push(`${file} → ${target}`);
    }
  }
  expect(wrong).toEqual([]);
});

test('no file only hands on what others export', () => {
  const barrels = files.filter((f) => /^export (\*|\{[^}]*\}) from/m.test(readFileSync(join(src, f), 'utf8')));
  expect(barrels).toEqual([]);
});

test('no file is too long to read', () => {
  const long = files.filter((f) => readFileSync(join(src, f), 'utf8').split('\n').length > longest);
  expect(long).toEqual([]);
});

/** What a file imports from within src, as paths from src. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(src, file), 'utf8');
  const named = [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map((m) => m[1] ?? '');
  return named
    .map((path) => relative(src, join(src, dirname(file), path)))
    .filter((path) => /\.(tsx?|json)$/.test(path));
}
