import type { Resource } from '../../api/policy.ts';

type Ports = Resource['ports'];

/** "tcp/22, 443, 8000–8080", "icmp", or '' for everything. */
export function portText(resource: Pick<Resource, 'transport' | 'ports'>): string {
  if (resource.transport === 'any') return '';
  if (resource.ports.length === 0) return resource.transport;
  return `${resource.transport}/${formatPorts(resource.ports)}`;
}

export function formatPorts(ports: Ports): string {
  return ports.map((p) => (p.first === p.last ? String(p.first) : `${p.first}–${p.last}`)).join(', ');
}

/** Reads "22, 443, 8000-8080"; undefined when that is not a list of ports. '' is every port. */
export function parsePorts(text: string): Ports | undefined {
  const parts = text
    .split(/[,\s]+/)
    .map((p) => p.trim())
    .filter(Boolean);
  const ports: Ports = [];
  for (const part of parts) {
    const match = /^(\d{1,5})(?:[-–](\d{1,5}))?$/.exec(part);
    const first = Number(match?.[1]);
    const last = Number(match?.[2] ?? match?.[1]);
    if (!match || first < 1 || last > 65535 || last < first) return undefined;
    ports.push({ first, last });
  }
  return ports;
}

/** Names in the reader's way of listing: "A, B and C". */
export function listOf(names: string[], locale: string): string {
  return new Intl.ListFormat(locale, { type: 'conjunction' }).format(names);
}
