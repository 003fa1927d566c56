// Prefix arithmetic for the preview of routes. The portal computes what counts; this only shows it before saving.

/** An IPv4 or IPv6 prefix: the network's address as a number. */
export type Prefix = { family: 4 | 6; address: bigint; length: number };

/** Reads 10.0.0.0/8 or fd00::/8; undefined when it is not a prefix or has host bits. */
export function parsePrefix(text: string): Prefix | undefined {
  const match = /^([^/\s]+)\/(\d{1,3})$/.exec(text.trim());
  if (!match?.[1]) return undefined;
  const family = match[1].includes(':') ? 6 : 4;
  const bits = bitsOf(family);
  const length = Number(match[2]);
  const address = family === 4 ? parseV4(match[1]) : parseV6(match[1]);
  if (address === undefined || length > bits) return undefined;
  return address & hostMask(bits, length) ? undefined : { family, address, length };
}

export function formatPrefix({ family, address, length }: Prefix): string {
  return `${family === 4 ? formatV4(address) : formatV6(address)}/${length}`;
}

/** What a client will send through the tunnel: the included prefixes (everything, in full mode) without the excluded ones. */
export function routesOf(mode: 'split' | 'full', included: string[], excluded: string[]): string[] {
  const from = mode === 'full' ? ['0.0.0.0/0', '::/0'] : included;
  let routes = parseAll(from);
  for (const hole of parseAll(excluded)) routes = routes.flatMap((route) => subtract(route, hole));
  return distinct(routes).sort(byAddress).map(formatPrefix);
}

/** The prefixes that cover exactly what is in a and not in b. */
export function subtract(a: Prefix, b: Prefix): Prefix[] {
  if (a.family !== b.family) return [a];
  const bits = bitsOf(a.family);
  if (contains(b, a)) return [];
  if (!contains(a, b)) return [a];
  const length = a.length + 1;
  const half = 1n << BigInt(bits - length);
  const low = { ...a, length };
  const high = { ...a, length, address: a.address | half };
  return contains(low, b) ? [...subtract(low, b), high] : [low, ...subtract(high, b)];
}

function contains(a: Prefix, b: Prefix): boolean {
  if (a.family !== b.family || a.length > b.length) return false;
  const shift = BigInt(bitsOf(a.family) - a.length);
  return a.address >> shift === b.address >> shift;
}

/** Drops what another prefix of the list covers. */
function distinct(prefixes: Prefix[]): Prefix[] {
  return prefixes.filter((p, i) => !prefixes.some((q, j) => contains(q, p) && (q.length < p.length || j < i)));
}

function byAddress(a: Prefix, b: Prefix): number {
  if (a.family !== b.family) return a.family - b.family;
  if (a.address !== b.address) return a.address < b.address ? -1 : 1;
  return a.length - b.length;
}

const parseAll = (list: string[]) => list.map(parsePrefix).filter((p) => p !== undefined);
const bitsOf = (family: 4 | 6) => (family === 4 ? 32 : 128);
const hostMask = (bits: number, length: number) => (1n << BigInt(bits - length)) - 1n;

function parseV4(text: string): bigint | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((p) => /^(0|[1-9]\d{0,2})$/.test(p) && Number(p) < 256)) return undefined;
  return parts.reduce((sum, p) => (sum << 8n) | BigInt(p), 0n);
}

function parseV6(text: string): bigint | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const groups = halves.map((h) => (h === '' ? [] : h.split(':')));
  const [head = [], tail = []] = groups;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const all = [...head, ...Array<string>(missing).fill('0'), ...tail];
  if (!all.every((g) => /^[0-9a-f]{1,4}$/i.test(g))) return undefined;
  return all.reduce((sum, g) => (sum << 16n) | BigInt(`0x${g}`), 0n);
}

function formatV4(address: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => (address >> shift) & 255n).join('.');
}

/** RFC 5952: lower case, the first longest run of two or more zero groups as "::". */
function formatV6(address: bigint): string {
  const groups = Array.from({ length: 8 }, (_, i) => ((address >> BigInt(112 - 16 * i)) & 0xffffn).toString(16));
  let best = { start: -1, length: 1 };
  for (let i = 0; i < 8; i++) {
    let j = i;
    while (j < 8 && groups[j] === '0') j++;
    if (j - i > best.length) best = { start: i, length: j - i };
  }
  if (best.start < 0) return groups.join(':');
  return `${groups.slice(0, best.start).join(':')}::${groups.slice(best.start + best.length).join(':')}`;
}
