import type { components } from './schema.gen.ts';

type Wire = components['schemas']['Problem'];

/** What went wrong, as the portal said it (RFC 9457), or what we found out ourselves: `network` when it did not answer at all. */
export class Problem extends Error {
  readonly code: string;
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly requestId: string;
  readonly retryAfter: number; // seconds; 0: not said
  readonly fields: { path: string; code: string; message: string }[];

  constructor(p: Partial<Wire> & { code: string }) {
    super(p.detail || p.title || p.code);
    this.name = 'Problem';
    this.code = p.code;
    this.status = p.status ?? 0;
    this.title = p.title ?? '';
    this.detail = p.detail ?? '';
    this.requestId = p.requestId ?? '';
    this.retryAfter = p.retryAfter ?? 0;
    this.fields = p.errors ?? [];
  }

  /** The wrong fields by the name of the form's input: `/prefixes/3` and `/prefixes` are both `prefixes`. */
  byField(): Record<string, string> {
    const out: Record<string, string> = {};
    for (const f of this.fields) {
      const name = f.path.replace(/^\//, '').split('/')[0] ?? '';
      if (name && !(name in out)) out[name] = f.message;
    }
    return out;
  }
}

/** Makes a Problem of whatever came back or was thrown. */
export function asProblem(err: unknown, response?: Response): Problem {
  if (err instanceof Problem) return err;
  if (isWire(err)) return new Problem(err);
  const requestId = response?.headers.get('X-Request-Id') ?? '';
  if (response) return new Problem({ code: 'unreadable', status: response.status, requestId });
  return new Problem({ code: 'network' });
}

function isWire(x: unknown): x is Wire {
  return typeof x === 'object' && x !== null && typeof (x as Wire).code === 'string';
}
