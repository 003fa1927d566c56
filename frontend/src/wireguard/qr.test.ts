import decodeQR from 'qr/decode.js';
import { describe, expect, test } from 'vitest';
import { maxVersion, type QrCode, qrCode, qrPath } from './qr.ts';

const key = 'dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo=';
const conf = (routes: number) =>
  `[Interface]\nPrivateKey = ${key}\nAddress = 100.96.0.4/32, fd5a:1::4/128\nDNS = 10.20.0.53\nMTU = 1420\n\n[Peer]\nPublicKey = ${key}\nAllowedIPs = ${Array.from({ length: routes }, (_, i) => `10.${i}.16.0/20`).join(', ')}\nEndpoint = seoul.vpn.example.com:51820\nPersistentKeepalive = 25\n`;

describe('a QR code', () => {
  test('of a usual file is at level M and reads back byte for byte', () => {
    const text = conf(4);
    const code = qrCode(text);
    expect(code?.level).toBe('medium');
    expect(read(code as QrCode)).toBe(text);
  });

  test('of a longer file goes to level L before it gets too dense, and reads back', () => {
    const text = conf(55);
    const code = qrCode(text);
    expect(code?.level).toBe('low');
    expect(code?.version).toBeLessThanOrEqual(maxVersion);
    expect(read(code as QrCode)).toBe(text);
  });

  test('is not made where it would need more than version 25', () => {
    // ISO/IEC 18004, table 7: 25-L holds 1,273 bytes.
    expect(qrCode('x'.repeat(1273))?.version).toBe(25);
    expect(qrCode('x'.repeat(1274))).toBeUndefined();
    expect(qrCode('x'.repeat(5000))).toBeUndefined();
  });

  test('is drawn as the modules say', () => {
    const code = qrCode('hello') as QrCode;
    const drawn = code.modules.map((row) => row.map(() => false));
    for (const [, x, y, width] of qrPath(code).matchAll(/M(\d+) (\d+)h(\d+)/g)) {
      for (let i = 0; i < Number(width); i++) (drawn[Number(y)] as boolean[])[Number(x) + i] = true;
    }
    expect(drawn).toEqual(code.modules);
  });
});

/** Reads a code as a camera would: eight pixels a module, four modules of quiet zone. */
function read({ modules }: QrCode): string {
  const scale = 8;
  const quiet = 4;
  const side = (modules.length + 2 * quiet) * scale;
  const data = new Uint8ClampedArray(side * side * 4).fill(255);
  modules.forEach((row, y) => {
    row.forEach((dark, x) => {
      if (!dark) return;
      for (let i = 0; i < scale * scale; i++) {
        const px = (x + quiet) * scale + (i % scale);
        const py = (y + quiet) * scale + Math.floor(i / scale);
        data.fill(0, (py * side + px) * 4, (py * side + px) * 4 + 3);
      }
    });
  });
  return decodeQR({ width: side, height: side, data });
}
