import { type ErrorCode, type ErrorContext, IcestreamError } from '../../base/errors.ts';

/**
 * What a request means for the table, which decides what a failure means:
 * `read` changes nothing; `change` may be sent again without harm (a namespace, a removal); `commit` must happen once, so
 * that a lost answer is an unknown outcome.
 */
export type RequestKind = 'read' | 'change' | 'commit';

/** The codes that some statuses of an operation have; all others follow `restError`. */
export type StatusCodes = Readonly<Record<number, ErrorCode>>;

/** An answer that is no success. `text` is its body, by specification `{"error": {message, type, code}}`. */
export function restError(
  kind: RequestKind,
  codes: StatusCodes,
  response: { readonly status: number; readonly text: string },
  context: ErrorContext,
): IcestreamError {
  const { status } = response;
  const { message, type } = errorModel(response.text);
  const code = codes[status] ?? codeOf(kind, status);
  return new IcestreamError(code, MESSAGES[code] ?? 'the catalog answered with an error', {
    cause: message === undefined ? undefined : new Error(message.slice(0, 500)),
    context: { ...context, status, reason: type },
    // What the server understood and does not want will not be wanted the next time either.
    retry: code === 'iceberg.catalog-error' && status < 500 ? 'operator' : undefined,
    hint:
      status === 404 && code === 'iceberg.catalog-error'
        ? 'Check iceberg.catalog.uri and warehouse.'
        : undefined,
  });
}

/** A request without an answer: refused before it was sent, or lost somewhere. */
export function transportError(kind: RequestKind, cause: unknown, context: ErrorContext): IcestreamError {
  if (isNotSent(cause)) {
    return new IcestreamError('iceberg.catalog-unreachable', 'the catalog cannot be reached', {
      cause,
      context,
    });
  }
  const code = kind === 'commit' ? 'iceberg.commit-unknown' : 'iceberg.catalog-unreachable';
  return new IcestreamError(code, MESSAGES[code]!, { cause, context });
}

/** Whether a failed fetch certainly sent nothing: no address, no connection, no TLS. */
export function isNotSent(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { code = '', syscall = '' } = at as NodeJS.ErrnoException;
    if (syscall === 'connect' || syscall === 'getaddrinfo') return true;
    if (/^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|UND_ERR_CONNECT_TIMEOUT)$/.test(code))
      return true;
    if (/CERT|SIGNATURE|^ERR_TLS|^ERR_SSL|^UNABLE_TO/.test(code)) return true;
  }
  return false;
}

const MESSAGES: Partial<Record<ErrorCode, string>> = {
  'iceberg.catalog-unreachable': 'the catalog did not answer',
  'iceberg.catalog-refused': 'the catalog refused the request',
  'iceberg.commit-conflict': 'a requirement of the commit does not hold',
  'iceberg.commit-unknown': 'the catalog did not say whether the commit happened',
  'iceberg.table-not-found': 'the catalog has no such table',
  'iceberg.table-exists': 'the catalog has such a table already',
  'iceberg.namespace-not-found': 'the catalog has no such namespace',
};

function codeOf(kind: RequestKind, status: number): ErrorCode {
  if (status === 401 || status === 403 || status === 419) return 'iceberg.catalog-refused';
  // Turned away at the door, before anything was done.
  if (status === 429) return 'iceberg.catalog-unreachable';
  if (status === 501 || status < 500) return 'iceberg.catalog-error';
  if (kind === 'commit') return 'iceberg.commit-unknown';
  return status === 500 ? 'iceberg.catalog-error' : 'iceberg.catalog-unreachable';
}

function errorModel(text: string): { message?: string; type?: string } {
  try {
    const { error } = JSON.parse(text) as { error?: { message?: unknown; type?: unknown } };
    return {
      message: typeof error?.message === 'string' ? error.message : undefined,
      type: typeof error?.type === 'string' ? error.type : undefined,
    };
  } catch {
    return {}; // A proxy's page: the status says what there is to say.
  }
}
