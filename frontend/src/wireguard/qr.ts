import encodeQR from 'qr';

/** A QR code as rows of modules, true for dark, without the quiet zone. */
export type QrCode = { modules: boolean[][]; version: number; level: 'low' | 'medium' };

/** Phones read version 25 (117 × 117 modules) from a screen; denser ones fail often. */
export const maxVersion = 25;

/** Encodes text at level M, or at L where M would be too dense; undefined when both are. */
export function qrCode(text: string): QrCode | undefined {
  for (const level of ['medium', 'low'] as const) {
    const modules = encode(text, level);
    if (!modules) continue;
    const version = (modules.length - 17) / 4; // ISO/IEC 18004: a side has 17 + 4 × version modules
    if (version <= maxVersion) return { modules, version, level };
  }
  return undefined;
}

/** One SVG path of all dark modules, row by row: far smaller than a rectangle each. */
export function qrPath(code: QrCode): string {
  let path = '';
  code.modules.forEach((row, y) => {
    for (let x = 0; x < row.length; x++) {
      if (!row[x]) continue;
      const start = x;
      while (row[x + 1]) x++;
      path += `M${start} ${y}h${x - start + 1}v1h-${x - start + 1}z`;
    }
  });
  return path;
}

function encode(text: string, ecc: 'low' | 'medium'): boolean[][] | undefined {
  try {
    const bordered = encodeQR(text, 'raw', { ecc, border: 1 }); // it takes no border of 0
    return bordered.slice(1, -1).map((row) => row.slice(1, -1));
  } catch {
    return undefined; // more than version 40 holds
  }
}
