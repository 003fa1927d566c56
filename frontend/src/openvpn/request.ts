// Keys and signing requests for OpenVPN, made in the browser. The private key is never put in a request, a URL or storage.

/** The private key in PKCS #8, and what asks for its certificate: PKCS #10, without a subject and without extensions. Both in PEM. */
export type Request = { privateKey: string; csr: string };

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/** Makes a key of ECDSA P-256 and its signing request. It needs WebCrypto, which browsers have on https:// and on loopback. */
export async function makeRequest(): Promise<Request> {
  const pair = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const [own, known] = await Promise.all([
    crypto.subtle.exportKey('pkcs8', pair.privateKey),
    crypto.subtle.exportKey('spki', pair.publicKey),
  ]);
  const info = der(0x30, integer(Uint8Array.of(0)), der(0x30), new Uint8Array(known), der(0xa0));
  const signature = new Uint8Array(await crypto.subtle.sign(algorithm, pair.privateKey, info));
  const csr = der(0x30, info, ecdsaWithSHA256, bitString(signatureInDER(signature)));
  return { privateKey: pem('PRIVATE KEY', new Uint8Array(own)), csr: pem('CERTIFICATE REQUEST', csr) };
}

/** AlgorithmIdentifier of ecdsa-with-SHA256, 1.2.840.10045.4.3.2 (RFC 5758, section 3.2). */
const ecdsaWithSHA256 = der(0x30, Uint8Array.of(0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2));

/** WebCrypto gives r and s one after the other, X.509 wants a sequence of two numbers (RFC 3279, section 2.2.3). */
export function signatureInDER(raw: Uint8Array): Uint8Array {
  const half = raw.length / 2;
  return der(0x30, integer(raw.slice(0, half)), integer(raw.slice(half)));
}

/** A number that is not negative: without zeros in front, but for the one that keeps the first bit 0. */
function integer(bytes: Uint8Array): Uint8Array {
  let from = 0;
  while (from < bytes.length - 1 && bytes[from] === 0) from++;
  const digits = bytes.slice(from);
  return (digits[0] ?? 0) & 0x80 ? der(0x02, Uint8Array.of(0), digits) : der(0x02, digits);
}

const bitString = (bytes: Uint8Array) => der(0x03, Uint8Array.of(0), bytes);

/** One value of DER: its tag, its length, and what it holds. Lengths up to 65,535. */
function der(tag: number, ...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const length = parts.reduce((n, p) => n + p.length, 0);
  const head = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  const out = new Uint8Array(1 + head.length + length);
  out[0] = tag;
  out.set(head, 1);
  let at = 1 + head.length;
  for (const p of parts) {
    out.set(p, at);
    at += p.length;
  }
  return out;
}

function pem(label: string, bytes: Uint8Array): string {
  const text = btoa(String.fromCharCode(...bytes));
  return `-----BEGIN ${label}-----\n${text.replace(/(.{64})(?=.)/g, '$1\n')}\n-----END ${label}-----\n`;
}
