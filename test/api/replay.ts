import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Recorded REST exchanges (test/fixtures/rest/sequence): which request was sent, after what, and the answer. */
export interface Exchange {
  readonly n: number;
  readonly label: string;
  readonly request: {
    readonly method: string;
    readonly path: string;
    readonly params?: Record<string, string> | [string, string][];
    readonly headers?: Record<string, string>;
    readonly body?: unknown;
  };
  readonly response: Reply;
  readonly await?: { readonly connector: string; readonly state: string };
  /** Ask again until the answer is the recorded one. */
  readonly poll?: boolean;
  /** Why the recorded answer depends on the moment. */
  readonly timing?: string;
}

interface Reply {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: unknown;
}

const FOLDER = fileURLToPath(new URL('../fixtures/rest/sequence/', import.meta.url));
const PLACEHOLDER = /\$\{(host|port|user|password|run|connect)\}/g;

/** All exchanges in order, with the placeholders filled in. */
export function exchanges(values: Readonly<Record<string, string>>): Exchange[] {
  const files = readdirSync(FOLDER).filter((file) => /^\d+.*\.json$/.test(file));
  return files.sort().map((file) => {
    const text = readFileSync(join(FOLDER, file), 'utf8');
    return JSON.parse(
      text.replace(PLACEHOLDER, (_, name: string) => JSON.stringify(values[name]).slice(1, -1)),
    );
  });
}

export async function ask(url: string, { request }: Exchange): Promise<Reply> {
  const query = new URLSearchParams(request.params ?? {}).toString();
  const isText = typeof request.body === 'string';
  const body =
    request.body === undefined || request.body === null
      ? undefined
      : isText
        ? (request.body as string)
        : JSON.stringify(request.body);
  const headers: Record<string, string> = body === undefined ? {} : { 'Content-Type': 'application/json' };
  const answer = await fetch(url + request.path + (query === '' ? '' : `?${query}`), {
    method: request.method,
    headers: { ...headers, ...request.headers },
    body,
  });
  const text = await answer.text();
  const kept = ['Content-Type', 'Location', 'Allow'].flatMap((name) => {
    const value = answer.headers.get(name);
    return value === null ? [] : [[name, value]];
  });
  return { status: answer.status, headers: Object.fromEntries(kept), body: parsed(text) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** An answer as it is compared: what differs between any two installations is masked, and lists of plugins reduced. */
export function view(exchange: Exchange, reply: Reply, offered: ReadonlySet<string>): Reply {
  const headers = { ...reply.headers };
  if (headers['Allow'] !== undefined)
    headers['Allow'] = headers['Allow']
      .split(/[,\s]+/)
      .sort()
      .join();
  return { status: reply.status, headers, body: masked(listed(exchange, reply.body, offered)) };
}

/** Of plugins and loggers, those that both sides have. */
function listed({ request }: Exchange, body: unknown, offered: ReadonlySet<string>): unknown {
  const { method, path } = request;
  if (path === '/connector-plugins' && Array.isArray(body))
    return body.filter((plugin: { class: string }) => offered.has(plugin.class));
  if (path === '/connectors' && method === 'GET' && Array.isArray(body)) return body.toSorted();
  if (path === '/admin/loggers' && method === 'GET')
    return { root: (body as Record<string, unknown>)['root'] };
  if (path.startsWith('/admin/loggers') && Array.isArray(body))
    return body.filter((name) => name === 'io.debezium');
  return body;
}

const MASKED = new Set([
  ...['worker_id', 'version', 'commit', 'kafka_cluster_id', 'trace', 'last_modified', 'documentation'],
  ...['lsn', 'lsn_proc', 'lsn_commit', 'txId', 'ts_usec'],
]);
const CLASS_NAME = /^[a-z]\w*(\.\w+){2,}(\$\w+)?$/;

function masked(value: unknown, key = ''): unknown {
  if (MASKED.has(key) && value !== undefined)
    return value === null && key !== 'documentation' ? null : `<${key}>`;
  if (Array.isArray(value)) {
    const isPlugins =
      key === 'recommended_values' &&
      value.length > 0 &&
      value.every((item) => CLASS_NAME.test(String(item)));
    return isPlugins ? ['<plugins>'] : value.map((item) => masked(item));
  }
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, masked(item, name)]));
  if (typeof value !== 'string') return value;
  return value
    .replace(/(available connectors are: ).*/s, '$1<plugins>')
    .replace(/line: \d+, column: \d+/g, 'line: <n>, column: <n>');
}
