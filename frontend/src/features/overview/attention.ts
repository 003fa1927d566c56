import type { Gateway } from '../../api/gateways.ts';

const worst: Gateway['status'][] = ['offline', 'problem', 'drift', 'behind', 'pending'];

/** The gateways that somebody should look at, worst first. What was drained or retired on purpose is not among them. */
export function needsAttention(gateways: Gateway[]): Gateway[] {
  return gateways
    .filter((g) => worst.includes(g.status))
    .sort((a, b) => worst.indexOf(a.status) - worst.indexOf(b.status) || a.name.localeCompare(b.name));
}
