// X25519 key pairs for WireGuard, made in the browser. The private key is never put in a request, a URL or storage.

/** Both halves in base64, as WireGuard writes them. */
export type KeyPair = { privateKey: string; publicKey: string };

/** Makes a key pair with the browser's own X25519; where there is none, with @noble/curves and the browser's random source. */
export async function makeKeyPair(): Promise<KeyPair> {
  const secret = clamp(crypto.getRandomValues(new Uint8Array(32)));
  return { privateKey: toBase64(secret), publicKey: toBase64(await publicKeyOf(secret)) };
}

/** The public key that belongs to a private one: X25519 with the base point 9 (RFC 7748, section 6.1). */
export async function publicKeyOf(secret: Uint8Array): Promise<Uint8Array> {
  return (await publicKeyNative(secret)) ?? publicKeyNoble(secret);
}

/** Sets the bits that RFC 7748, section 5 fixes. `wg genkey` does the same, so that the stored key is the one in use. */
export function clamp(secret: Uint8Array): Uint8Array {
  const out = secret.slice();
  out[0] = (out[0] ?? 0) & 248;
  out[31] = ((out[31] ?? 0) & 127) | 64;
  return out;
}

/** PKCS #8 wrapping of an X25519 private key (RFC 8410, section 7): everything before the 32 bytes. */
const pkcs8Head = fromBase64('MC4CAQAwBQYDK2VuBCIEIA==');
const basePoint = Uint8Array.of(9, ...new Uint8Array(31));

/** Undefined where the browser has no WebCrypto (plain HTTP) or no X25519 in it. */
export async function publicKeyNative(secret: Uint8Array): Promise<Uint8Array | undefined> {
  const subtle = globalThis.crypto?.subtle as SubtleCrypto | undefined;
  if (!subtle) return undefined;
  try {
    const own = await subtle.importKey('pkcs8', Uint8Array.of(...pkcs8Head, ...secret), 'X25519', false, [
      'deriveBits',
    ]);
    const point = await subtle.importKey('raw', basePoint, 'X25519', false, []);
    return new Uint8Array(await subtle.deriveBits({ name: 'X25519', public: point }, own, 256));
  } catch {
    return undefined;
  }
}

export async function publicKeyNoble(secret: Uint8Array): Promise<Uint8Array> {
  const { x25519 } = await import('@noble/curves/ed25519.js');
  return x25519.getPublicKey(secret);
}

export function toBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

export function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
}
