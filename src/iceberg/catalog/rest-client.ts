import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ErrorContext, IcestreamError } from '../../base/errors.ts';
import { parseJson, printJson } from '../json.ts';
import type { Authorization } from './rest-auth.ts';
import { type RequestKind, restError, type StatusCodes, transportError } from './rest-error.ts';

export interface RestRequest {
  /** For error messages. */
  readonly operation: string;
  readonly kind: RequestKind;
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Under the catalog's URI, encoded, without a leading slash: `v1/prefix/namespaces`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly codes?: StatusCodes;
  readonly context?: ErrorContext;
}

export interface RestClientOptions {
  readonly uri: string;
  readonly authorization: Authorization;
  /** Sent with each request. */
  readonly headers: Readonly<Record<string, string>>;
  /** For a whole request with its answer. */
  readonly timeoutMs: number;
  /** Whether the server takes an Idempotency-Key; then changes and commits may be sent again under the same one. */
  readonly idempotency: boolean;
}

const ATTEMPTS_MAX = 3;
const DELAY_FIRST_MS = 200;

/** HTTP requests to a REST catalog: JSON both ways, authorised, within time, failures as our errors. */
export class RestClient {
  readonly #options: RestClientOptions;

  constructor(options: RestClientOptions) {
    this.#options = options;
  }

  /**
   * The answer's JSON, undefined for an empty one. Reads are tried again while the catalog is unreachable or fails (its
   * own database may be busy), other requests while it is unreachable, where the server takes idempotency keys.
   */
  async request<T>(request: RestRequest, signal?: AbortSignal): Promise<T> {
    const keyed = this.#options.idempotency && request.kind !== 'read';
    const headers: Record<string, string> = keyed ? { 'Idempotency-Key': uuidV7() } : {};
    let unknown = false;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#authorised<T>(request, headers, signal);
      } catch (error) {
        if (!(error instanceof IcestreamError)) throw error;
        const open = error.code === 'iceberg.commit-unknown' || error.code === 'iceberg.catalog-unreachable';
        const again = request.kind === 'read' ? open || error.context['status'] === 500 : open && keyed;
        if (!again || attempt === ATTEMPTS_MAX) throw unknown ? outcomeUnknown(error) : error;
        unknown ||= error.code === 'iceberg.commit-unknown';
        await backoff(attempt, signal);
      }
    }
  }

  async #authorised<T>(
    request: RestRequest,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    const { authorization } = this.#options;
    let header = await authorization.header(signal);
    let answer = await this.#send(request, headers, header, signal);
    // Nothing was done under a refused token, so the same request may go out under a new one, once.
    if ((answer.status === 401 || answer.status === 419) && authorization.renew(header)) {
      header = await authorization.header(signal);
      answer = await this.#send(request, headers, header, signal);
    }
    const context = { operation: request.operation, ...request.context };
    if (answer.status < 200 || answer.status > 299) {
      throw restError(request.kind, request.codes ?? {}, answer, context);
    }
    return this.#parse<T>(request, answer, context);
  }

  async #send(
    request: RestRequest,
    headers: Readonly<Record<string, string>>,
    authorization: string | null,
    signal: AbortSignal | undefined,
  ): Promise<{ status: number; text: string }> {
    signal?.throwIfAborted();
    const timeout = AbortSignal.timeout(this.#options.timeoutMs);
    const sent: Record<string, string> = { ...this.#options.headers, ...request.headers, ...headers };
    if (authorization !== null) sent['Authorization'] = authorization;
    if (request.body !== undefined) sent['Content-Type'] = 'application/json';
    try {
      const response = await fetch(this.#url(request), {
        method: request.method,
        headers: sent,
        body: request.body === undefined ? undefined : printJson(request.body),
        // A redirected POST would become a GET.
        redirect: 'manual',
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      });
      return { status: response.status, text: await response.text() };
    } catch (cause) {
      if (signal?.aborted) throw signal.reason;
      throw transportError(request.kind, cause, { operation: request.operation, ...request.context });
    }
  }

  #parse<T>(request: RestRequest, answer: { status: number; text: string }, context: ErrorContext): T {
    if (answer.text === '') return undefined as T;
    try {
      return parseJson<T>(answer.text);
    } catch (cause) {
      // A success whose details are unreadable: the commit has happened, only the table must be looked at again.
      const code = request.kind === 'commit' ? 'iceberg.commit-unknown' : 'iceberg.catalog-error';
      throw new IcestreamError(code, "the catalog's answer is not JSON", {
        cause,
        context: { ...context, status: answer.status },
        hint: 'Check iceberg.catalog.uri: what answers there is no Iceberg REST catalog.',
      });
    }
  }

  #url(request: RestRequest): string {
    const query = request.query === undefined ? '' : `?${new URLSearchParams(request.query)}`;
    return `${this.#options.uri}/${request.path}${query}`;
  }
}

/**
 * An error after an attempt without an answer. A conflict is no proof that nothing happened: the first attempt may have
 * gone through, and what conflicts may be our own commit.
 */
function outcomeUnknown(error: IcestreamError): IcestreamError {
  if (error.code === 'iceberg.commit-unknown') return error;
  return new IcestreamError('iceberg.commit-unknown', 'the catalog did not say whether the commit happened', {
    cause: error,
    context: error.context,
  });
}

/** Waits after the so-many-th attempt, from 1: twice as long each time, and not as long as who failed beside us. */
export async function backoff(attempt: number, signal: AbortSignal | undefined): Promise<void> {
  const ms = DELAY_FIRST_MS * 2 ** (attempt - 1) * (0.5 + Math.random() / 2);
  await sleep(ms, undefined, { signal }).catch((error) => {
    throw signal?.aborted ? signal.reason : error;
  });
}

/** RFC 9562, section 5.7: 48 bits of milliseconds, version and variant, 74 random bits. */
function uuidV7(): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(Date.now(), 0, 6);
  bytes[6] = (bytes[6] & 0x0f) | 0x70;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
