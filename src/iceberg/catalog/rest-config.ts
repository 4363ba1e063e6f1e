import { IcestreamError } from '../../base/errors.ts';
import { authorization } from './rest-auth.ts';
import { RestClient } from './rest-client.ts';

/** A REST catalog's configuration after the server has had its say. */
export interface RestConfig {
  /** Without a slash at its end. */
  readonly uri: string;
  /** Stands behind `v1/` in every path; empty where the server names none. */
  readonly prefix: string;
  /** The server's defaults, over them the client's properties, over them the server's overrides. */
  readonly properties: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  /** Asks for credentials with a loaded or created table. */
  readonly delegation: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  /** Between the levels of a namespace, not encoded. */
  readonly namespaceSeparator: string;
  readonly commitsTransactions: boolean;
  readonly idempotency: boolean;
}

interface ConfigResponse {
  readonly defaults?: Readonly<Record<string, string>>;
  readonly overrides?: Readonly<Record<string, string>>;
  readonly endpoints?: readonly string[] | null;
  readonly 'idempotency-key-lifetime'?: string | null;
}

const TIMEOUT_DEFAULT_MS = 60_000;
const UNIT_SEPARATOR = '\u001f';
const TRANSACTIONS_ENDPOINT = 'POST /v1/{prefix}/transactions/commit';

/** Reads `GET /v1/config` and merges it with the client's properties (REST specification, "getConfig"). */
export async function restConfig(
  name: string,
  properties: Readonly<Record<string, string>>,
  signal?: AbortSignal,
): Promise<RestConfig> {
  const uri = catalogUri(name, properties);
  const timeoutMs = timeoutOf(properties);
  const client = new RestClient({
    uri,
    authorization: authorization(properties, timeoutMs),
    headers: headersOf(properties),
    timeoutMs,
    idempotency: false,
  });
  const warehouse = properties['warehouse'];
  const answer = await client.request<ConfigResponse>(
    {
      operation: 'read the configuration',
      kind: 'read',
      method: 'GET',
      path: 'v1/config',
      query: warehouse === undefined ? undefined : { warehouse },
      context: { catalog: name },
    },
    signal,
  );
  return merge(name, properties, answer ?? {});
}

function merge(name: string, own: Readonly<Record<string, string>>, answer: ConfigResponse): RestConfig {
  const properties = { ...answer.defaults, ...own, ...answer.overrides };
  return {
    uri: catalogUri(name, properties),
    prefix: (properties['prefix'] ?? '').replace(/^\/+|\/+$/g, ''),
    properties,
    headers: headersOf(properties),
    delegation: delegationHeaders(own),
    timeoutMs: timeoutOf(properties),
    namespaceSeparator: decodeURIComponent(properties['namespace-separator'] ?? UNIT_SEPARATOR),
    // A server that lists no endpoints has the oldest ones only; the transaction is not among them.
    commitsTransactions: answer.endpoints?.includes(TRANSACTIONS_ENDPOINT) ?? false,
    idempotency: typeof answer['idempotency-key-lifetime'] === 'string',
  };
}

function catalogUri(name: string, properties: Readonly<Record<string, string>>): string {
  const uri = properties['uri'];
  if (uri === undefined || !/^https?:\/\/[^/]/i.test(uri)) {
    throw new IcestreamError('config.invalid', 'a REST catalog needs an http(s) URI', {
      context: { catalog: name, property: 'uri' },
    });
  }
  // Users give the address with or without the version that every path begins with.
  return uri.replace(/\/+$/, '').replace(/\/v1$/, '');
}

function timeoutOf(properties: Readonly<Record<string, string>>): number {
  const text = properties['rest.client.socket-timeout-ms'];
  if (text === undefined) return TIMEOUT_DEFAULT_MS;
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new IcestreamError('config.invalid', 'a timeout is not a number of milliseconds', {
    context: { property: 'rest.client.socket-timeout-ms' },
  });
}

/** `header.X-Name` sends `X-Name` with each request. */
function headersOf(properties: Readonly<Record<string, string>>): Record<string, string> {
  const own = Object.entries(properties).filter(([name]) => name.startsWith('header.'));
  return Object.fromEntries(own.map(([name, value]) => [name.slice('header.'.length), value]));
}

/** Whoever has keys of his own needs none, and some servers fail where they are asked and cannot vend any. */
function delegationHeaders(own: Readonly<Record<string, string>>): Record<string, string> {
  const chosen = Object.keys(own).some((name) => name.toLowerCase() === 'header.x-iceberg-access-delegation');
  if (chosen || own['s3.access-key-id'] !== undefined) return {};
  return { 'X-Iceberg-Access-Delegation': 'vended-credentials' };
}
