import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import en from '../i18n/admin/en.json';

const root = join(import.meta.dirname, '../../..');

/** The actions that packages write into the trail by name. */
function written(): string[] {
  const actions = new Set<string>();
  for (const folder of ['auth', 'peers', 'api', 'cmd']) {
    for (const file of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.go') || file.endsWith('_test.go') || file.includes('node_modules')) continue;
      const source = readFileSync(join(root, folder, file), 'utf8');
      for (const [, action] of source.matchAll(/\bAudit\([^"\n]*, "([a-z_]+(?:\.[a-z_]+)+)"/g))
        actions.add(action ?? '');
    }
  }
  return [...actions].sort();
}

test('every action that the portal writes into the trail has words', () => {
  const actions = written();
  expect(actions.length).toBeGreaterThan(50);
  expect(actions.filter((action) => !(action.replaceAll('.', '_') in en.auditActions))).toEqual([]);
});
