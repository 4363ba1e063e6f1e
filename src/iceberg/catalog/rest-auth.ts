import { IcestreamError } from '../../base/errors.ts';
import { isNotSent } from './rest-error.ts';

/** What authorises a request. */
export interface Authorization {
  /** The `Authorization` header's value, or null where none is sent. */
  header(signal?: AbortSignal): Promise<string | null>;
  /** Called when the server did not take `header`; true where another one can be had. */
  renew(header: string | null): boolean;
}

/**
 * By Iceberg's property names: `token` (sent as it is), `credential` (`id:secret` or `secret`: OAuth2 client credentials
 * from `oauth2-server-uri`, by default the catalog's own /v1/oauth/tokens, with `scope`, `audience`, `resource`), or with
 * `rest.auth.type=basic` a user and password. None of them: no header.
 */
export function authorization(
  properties: Readonly<Record<string, string>>,
  timeoutMs: number,
): Authorization {
  const type = properties['rest.auth.type']?.toLowerCase();
  if (type === 'sigv4' || properties['rest.sigv4-enabled']?.toLowerCase() === 'true') {
    throw new IcestreamError('config.invalid', 'requests to the catalog cannot be signed with SigV4 yet', {
      hint: 'Use credential or token, or a catalog that takes them.',
    });
  }
  if (type === 'basic') return fixed(basicHeader(properties));
  if (type === 'none') return fixed(null);
  if (properties['credential'] !== undefined) return new ClientCredentials(properties, timeoutMs);
  return fixed(properties['token'] === undefined ? null : `Bearer ${properties['token']}`);
}

function fixed(header: string | null): Authorization {
  return { header: async () => header, renew: () => false };
}

function basicHeader(properties: Readonly<Record<string, string>>): string {
  const user = properties['rest.auth.basic.username'] ?? '';
  const password = properties['rest.auth.basic.password'] ?? '';
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

interface Token {
  readonly header: string;
  /** When to fetch the next one, milliseconds since 1970. */
  readonly renewAtMs: number;
}

interface TokenResponse {
  readonly access_token?: string;
  readonly expires_in?: number;
}

const EXPIRES_DEFAULT_S = 3600;

/** OAuth2 client credentials (RFC 6749, section 4.4). One request at a time; the token is shared by all callers. */
class ClientCredentials implements Authorization {
  readonly #url: string;
  readonly #form: URLSearchParams;
  readonly #timeoutMs: number;
  #token: Token | null = null;
  #fetching: Promise<Token> | null = null;

  constructor(properties: Readonly<Record<string, string>>, timeoutMs: number) {
    this.#url = tokenUrl(properties);
    this.#form = tokenForm(properties);
    this.#timeoutMs = timeoutMs;
  }

  async header(signal?: AbortSignal): Promise<string> {
    if (this.#token !== null && Date.now() < this.#token.renewAtMs) return this.#token.header;
    // Not with the caller's signal: others may wait for the same token.
    this.#fetching ??= this.#fetch().finally(() => {
      this.#fetching = null;
    });
    const fetched = await this.#fetching;
    signal?.throwIfAborted();
    this.#token = fetched;
    return fetched.header;
  }

  renew(header: string | null): boolean {
    // Another caller may have fetched a newer one meanwhile: that one has not been refused yet.
    if (this.#token?.header === header) this.#token = null;
    return true;
  }

  async #fetch(): Promise<Token> {
    const context = { operation: 'token', uri: this.#url };
    let response: Response;
    let text: string;
    try {
      response = await fetch(this.#url, {
        method: 'POST',
        body: this.#form,
        redirect: 'manual',
        signal: AbortSignal.timeout(this.#timeoutMs),
      });
      text = await response.text();
    } catch (cause) {
      const message = isNotSent(cause)
        ? 'the token server cannot be reached'
        : 'the token server did not answer';
      throw new IcestreamError('iceberg.catalog-unreachable', message, { cause, context });
    }
    const answer = { ...context, status: response.status };
    if (response.status === 429 || response.status >= 500) {
      throw new IcestreamError('iceberg.catalog-unreachable', 'the token server failed', { context: answer });
    }
    const body = parseToken(text);
    if (!response.ok || body?.access_token === undefined) {
      throw new IcestreamError('iceberg.catalog-refused', 'the token server gave no token', {
        context: { ...answer, reason: oauthReason(text) },
        hint: 'Check credential, scope and oauth2-server-uri.',
      });
    }
    const lifetimeMs = (body.expires_in ?? EXPIRES_DEFAULT_S) * 1000;
    // A minute before it ends, or after nine tenths of a shorter life.
    const renewAtMs = Date.now() + Math.max(lifetimeMs - 60_000, lifetimeMs * 0.9);
    return { header: `Bearer ${body.access_token}`, renewAtMs };
  }
}

function tokenUrl(properties: Readonly<Record<string, string>>): string {
  const base = `${properties['uri']?.replace(/\/+$/, '')}/`;
  return new URL(properties['oauth2-server-uri'] ?? 'v1/oauth/tokens', base).href;
}

function tokenForm(properties: Readonly<Record<string, string>>): URLSearchParams {
  const credential = properties['credential'];
  const colon = credential.indexOf(':');
  const form = new URLSearchParams({ grant_type: 'client_credentials' });
  if (colon >= 0) form.set('client_id', credential.slice(0, colon));
  form.set('client_secret', credential.slice(colon + 1));
  form.set('scope', properties['scope'] ?? 'catalog');
  for (const name of ['audience', 'resource']) {
    if (properties[name] !== undefined) form.set(name, properties[name]);
  }
  return form;
}

function parseToken(text: string): TokenResponse | null {
  try {
    return JSON.parse(text) as TokenResponse;
  } catch {
    return null; // Reported by the caller as an answer without a token.
  }
}

/** The `error` of an OAuth error answer, a fixed word such as `invalid_client`. */
function oauthReason(text: string): string | undefined {
  const error = (parseToken(text) as { error?: unknown } | null)?.error;
  return typeof error === 'string' && /^[a-z_]{1,64}$/i.test(error) ? error : undefined;
}
