// As much of OpenAPI 3.0 as our own contract uses, and how to read it.

export type Schema = {
  $ref?: string;
  type?: string;
  format?: string;
  description?: string;
  enum?: string[];
  example?: unknown;
  default?: unknown;
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  pattern?: string;
};

export type Parameter = {
  $ref?: string;
  name: string;
  in: string;
  description?: string;
  required?: boolean;
  schema?: Schema;
};
type Content = Record<string, { schema?: Schema }>;
type Body = { $ref?: string; required?: boolean; content?: Content };
export type Answer = { $ref?: string; description?: string; content?: Content };

type RawOperation = {
  operationId?: string;
  tags?: string[];
  summary?: string;
  description?: string;
  parameters?: Parameter[];
  requestBody?: Body;
  responses?: Record<string, Answer>;
  security?: unknown[];
};

type PathItem = { parameters?: Parameter[] } & Record<string, unknown>;

export type Document = {
  info: { title: string; version: string; description?: string };
  servers?: { url: string }[];
  tags?: { name: string; description?: string }[];
  paths: Record<string, PathItem>;
  components?: Record<string, Record<string, unknown>>;
};

export type Operation = {
  id: string;
  method: string;
  path: string; // with the server's prefix
  summary: string;
  description: string;
  tag: string;
  parameters: Parameter[];
  body?: Schema;
  answers: { status: string; description: string; kinds: string[]; schema?: Schema }[];
  open: boolean; // needs no session
};

const methods = ['get', 'post', 'put', 'patch', 'delete'];

/** Every operation of the document with its references followed, in the document's order. */
export function operationsOf(doc: Document): Operation[] {
  const base = doc.servers?.[0]?.url ?? '';
  return Object.entries(doc.paths).flatMap(([path, item]) =>
    methods
      .filter((method) => item[method])
      .map((method) => operation(doc, method, base + path, item[method] as RawOperation, item.parameters ?? [])),
  );
}

function operation(doc: Document, method: string, path: string, raw: RawOperation, shared: Parameter[]): Operation {
  const body = raw.requestBody && resolve<Body>(doc, raw.requestBody);
  return {
    id: raw.operationId ?? `${method} ${path}`,
    method: method.toUpperCase(),
    path,
    summary: raw.summary ?? '',
    description: raw.description ?? '',
    tag: raw.tags?.[0] ?? '',
    parameters: [...shared, ...(raw.parameters ?? [])].map((p) => resolve<Parameter>(doc, p)),
    body: Object.values(body?.content ?? {})[0]?.schema,
    answers: Object.entries(raw.responses ?? {}).map(([status, answer]) => {
      const { description = '', content = {} } = resolve<Answer>(doc, answer);
      return { status, description, kinds: Object.keys(content), schema: Object.values(content)[0]?.schema };
    }),
    open: raw.security?.length === 0,
  };
}

/** Follows a reference within the document; what is none comes back as it is. */
export function resolve<T extends { $ref?: string }>(doc: Document, thing: T): T {
  let at = thing;
  for (let hops = 0; at.$ref && hops < 8; hops++) {
    const parts = at.$ref.replace(/^#\//, '').split('/');
    const found = parts.reduce<unknown>((x, key) => (x as Record<string, unknown> | undefined)?.[key], doc);
    if (!found) return at;
    at = found as T;
  }
  return at;
}

/** The type in a word: "string (date-time)", "Device", "list of Device", "one of a, b". */
export function typeName(doc: Document, schema: Schema): string {
  if (schema.$ref) return schema.$ref.split('/').at(-1) ?? '';
  if (schema.type === 'array') return `${schema.items ? typeName(doc, schema.items) : 'any'}[]`;
  if (schema.enum) return schema.enum.map((v) => JSON.stringify(v)).join(' | ');
  return schema.format ? `${schema.type} (${schema.format})` : (schema.type ?? 'any');
}

/** A value that fits the schema, for examples; depth ends recursion. */
export function exampleOf(doc: Document, schema: Schema, name = '', depth = 0): unknown {
  const s = resolve(doc, schema);
  if (s.example !== undefined) return s.example;
  if (s.default !== undefined) return s.default;
  if (s.enum) return s.enum[0];
  if (s.type === 'object' && depth < 4) {
    const required = Object.entries(s.properties ?? {}).filter(([key]) => s.required?.includes(key));
    return Object.fromEntries(required.map(([key, value]) => [key, exampleOf(doc, value, key, depth + 1)]));
  }
  if (s.type === 'array') return s.items && depth < 4 ? [exampleOf(doc, s.items, name, depth + 1)] : [];
  if (s.type === 'integer' || s.type === 'number') return s.minimum ?? 0;
  if (s.type === 'boolean') return false;
  return name ? name.toUpperCase() : 'TEXT';
}

/** A line for a shell that does the operation with a personal token. */
export function curlOf(doc: Document, op: Operation, origin: string): string {
  const path = op.path.replace(/\{(\w+)\}/g, (_, name: string) => `$${name.toUpperCase()}`);
  const parts = ['curl -fsS'];
  if (op.method !== 'GET') parts.push(`-X ${op.method}`);
  if (!op.open) parts.push('-H "Authorization: Bearer $SALLYPORT_TOKEN"');
  if (op.body) {
    const json = JSON.stringify(exampleOf(doc, op.body)).replaceAll("'", "'\\''");
    parts.push("-H 'Content-Type: application/json'", `-d '${json}'`);
  }
  parts.push(`"${origin}${path}"`);
  return parts.join(' \\\n  ');
}
