import { describe, expect, test, vi } from 'vitest';
import { clamp, fromBase64, makeKeyPair, publicKeyNative, publicKeyNoble, publicKeyOf, toBase64 } from './keypair.ts';

const hex = (text: string) => Uint8Array.from(text.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));

// RFC 7748, section 6.1.
const vectors = [
  {
    who: 'Alice',
    secret: '77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a',
    open: '8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a',
  },
  {
    who: 'Bob',
    secret: '5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb',
    open: 'de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f',
  },
];

describe.each(vectors)('RFC 7748: $who', ({ secret, open }) => {
  const want = hex(open);

  test('by the browser’s own X25519', async () => {
    expect(await publicKeyNative(hex(secret))).toEqual(want);
  });

  test('by the fallback', async () => {
    expect(await publicKeyNoble(hex(secret))).toEqual(want);
  });
});

test('clamping sets exactly the bits that RFC 7748, section 5 fixes', () => {
  const ones = clamp(new Uint8Array(32).fill(0xff));
  expect([ones[0], ones[1], ones[31]]).toEqual([0xf8, 0xff, 0x7f]);
  const zeros = clamp(new Uint8Array(32));
  expect([zeros[0], zeros[1], zeros[31]]).toEqual([0, 0, 0x40]);
});

test('a key pair is fresh, clamped, 44 characters each, and its halves belong together', async () => {
  const [a, b] = await Promise.all([makeKeyPair(), makeKeyPair()]);
  expect(a.privateKey).not.toBe(b.privateKey);
  for (const { privateKey, publicKey } of [a, b]) {
    expect(privateKey).toMatch(/^[A-Za-z0-9+/]{43}=$/);
    expect(publicKey).toMatch(/^[A-Za-z0-9+/]{43}=$/);
    expect(clamp(fromBase64(privateKey))).toEqual(fromBase64(privateKey));
    expect(toBase64(await publicKeyNoble(fromBase64(privateKey)))).toBe(publicKey);
  }
});

test('without WebCrypto, as on plain HTTP, the fallback gives the same key', async () => {
  const secret = hex(vectors[0]?.secret ?? '');
  const native = await publicKeyOf(secret);
  vi.stubGlobal('crypto', { getRandomValues: crypto.getRandomValues.bind(crypto) });
  try {
    expect(await publicKeyNative(secret)).toBeUndefined();
    expect(await publicKeyOf(secret)).toEqual(native);
  } finally {
    vi.unstubAllGlobals();
  }
});
