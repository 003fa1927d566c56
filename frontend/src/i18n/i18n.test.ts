import { describe, expect, test } from 'vitest';
import adminEn from './admin/en.json';
import adminKo from './admin/ko.json';
import en from './en.json';
import ko from './ko.json';
import postureEn from './posture/en.json';
import postureKo from './posture/ko.json';

const flatEn = flatten({ ...en, ...adminEn, ...postureEn });
const flatKo = flatten({ ...ko, ...adminKo, ...postureKo });

// English tells one from many; Korean does not, so `_other` is enough there.
const wanted = Object.keys(flatEn).filter((key) => !key.endsWith('_one'));

describe('the Korean catalogue', () => {
  test('has every key of the English one', () => {
    expect(wanted.filter((key) => !(key in flatKo))).toEqual([]);
  });

  test('has no key that the English one lacks', () => {
    expect(Object.keys(flatKo).filter((key) => !(key in flatEn))).toEqual([]);
  });

  test('fills in the same values', () => {
    const differ = wanted.filter((key) => holes(flatKo[key]).some((hole) => !holes(flatEn[key]).includes(hole)));
    expect(differ).toEqual([]);
    const lost = wanted.filter((key) => holes(flatEn[key]).some((h) => !holes(flatKo[key]).includes(h)));
    expect(lost).toEqual([]);
  });

  test('leaves no English sentence untranslated', () => {
    const same = wanted.filter((key) => flatKo[key] === flatEn[key] && /[a-z]{3,} [a-z]{2,}/.test(flatEn[key] ?? ''));
    expect(same).toEqual([]);
  });

  test('writes no particle that could be wrong beside a filled-in name', () => {
    // "{{name}}을" is wrong after half of all names; "{{name}}을(를)" is not.
    const bad = Object.entries(flatKo).filter(([, text]) =>
      /\}\}(<\/b>)?(을|를|이|가|은|는|와|과)(?![가-힣(])/.test(text),
    );
    expect(bad).toEqual([]);
  });
});

test('each namespace is in one catalogue', () => {
  expect(Object.keys(en).filter((name) => name in adminEn || name in postureEn)).toEqual([]);
  expect(Object.keys(ko).filter((name) => name in adminKo || name in postureKo)).toEqual([]);
});

test('nothing is empty but what is meant to be', () => {
  const empty = [flatEn, flatKo].flatMap((flat) => Object.keys(flat).filter((key) => flat[key] === ''));
  expect(empty.every((key) => key.startsWith('gatewayWhy.'))).toBe(true);
});

function flatten(tree: unknown, path = ''): Record<string, string> {
  if (typeof tree === 'string') return { [path]: tree };
  return Object.fromEntries(
    Object.entries(tree as object).flatMap(([key, value]) =>
      Object.entries(flatten(value, path ? `${path}.${key}` : key)),
    ),
  );
}

function holes(text = ''): string[] {
  return [...text.matchAll(/\{\{(\w+)\}\}/g)].map((m) => m[1] ?? '');
}
