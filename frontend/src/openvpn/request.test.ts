import { execFileSync } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { makeRequest, signatureInDER } from './request.ts';

describe('a signing request', () => {
  test('is signed with its own key, and says nothing but that key', async () => {
    const { csr, privateKey } = await makeRequest();
    const openssl = (...args: string[]) => execFileSync('openssl', args, { input: csr, encoding: 'utf8' });
    const text = openssl('req', '-noout', '-text', '-verify');
    expect(text).toMatch(/Subject:\s*\n/);
    expect(text).toContain('NIST CURVE: P-256');
    expect(text).toContain('Signature Algorithm: ecdsa-with-SHA256');
    expect(text).toMatch(/Attributes:\s*\(none\)/);
    const known = createPublicKey(privateKey).export({ type: 'spki', format: 'pem' });
    expect(openssl('req', '-noout', '-pubkey')).toBe(known);
  });

  test('is of another key each time', async () => {
    const [a, b] = await Promise.all([makeRequest(), makeRequest()]);
    expect(a.csr).not.toBe(b.csr);
    expect(a.privateKey).not.toBe(b.privateKey);
  });
});

describe('a signature in DER', () => {
  test.each([
    ['a first bit that is set gets a zero before it', [0x80, 1, 0x01, 2], [0x30, 9, 2, 3, 0, 0x80, 1, 2, 2, 1, 2]],
    ['zeros in front go', [0, 0, 0, 5], [0x30, 6, 2, 1, 0, 2, 1, 5]],
    ['but not those that keep it positive', [0, 0x81, 0x7f, 0xff], [0x30, 8, 2, 2, 0, 0x81, 2, 2, 0x7f, 0xff]],
  ])('%s', (_, raw, want) => {
    expect([...signatureInDER(Uint8Array.from(raw))]).toEqual(want);
  });
});
