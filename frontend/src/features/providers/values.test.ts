import { expect, test } from 'vitest';
import { facts, placeholderIn, presetOfIssuer, presets } from './presets.ts';
import { fresh, idOf, inputOf, valuesOf } from './values.ts';

test('what is shown of a provider is what is sent back, and its secret stays', () => {
  const settings = inputOf({ ...fresh('okta'), maxAgeMinutes: 30, clientId: ' c ' }, false).settings;
  const shown = valuesOf({
    id: 'okta',
    enabled: true,
    fromFile: false,
    hasSecret: true,
    redirectUri: '',
    logoutUri: '',
    sessions: 0,
    people: 0,
    settings,
  });
  const again = inputOf(shown, true);
  expect(again.settings).toEqual({ ...settings, clientId: 'c' });
  expect(again.settings.maxAge).toBe(1800);
  expect('clientSecret' in again).toBe(false);
  expect(inputOf({ ...shown, secret: 'new' }, true).clientSecret).toBe('new');
  expect(inputOf({ ...shown, publicClient: true }, true).clientSecret).toBe('');
});

test('an issuer says what is still to be replaced', () => {
  expect(placeholderIn(facts.entra.issuer)).toBe('TENANT-ID');
  expect(placeholderIn(facts.keycloak.issuer)).toBe('KEYCLOAK-HOST');
  expect(placeholderIn('https://login.microsoftonline.com/3F2504E0-4F89-41D3-9A0C-0305E82C3301/v2.0')).toBe('');
  expect(placeholderIn('https://sso.example.com/realms/Staff')).toBe('');
});

test('the kind of a provider is known by its issuer', () => {
  const filledIn = (issuer: string) => issuer.replace(/[A-Z][A-Z-]+[A-Z]/g, 'mine');
  for (const p of presets) {
    expect(fresh(p).preset).toBe(p);
    expect(presetOfIssuer(filledIn(facts[p].issuer))).toBe(p);
  }
  expect(presetOfIssuer('https://gitlab.example.com')).toBe('gitlab');
  expect(presetOfIssuer('https://sso.example.com')).toBe('other');
});

test('an id is made of a name', () => {
  expect(idOf('Example Corp. (EU)')).toBe('example-corp-eu');
  expect(idOf('한국')).toBe('');
  expect(idOf('x'.repeat(50))).toHaveLength(32);
});
