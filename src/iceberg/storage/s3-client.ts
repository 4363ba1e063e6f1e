import { setTimeout } from 'node:timers/promises';
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { type ErrorCode, IcestreamError, isAbort } from '../../base/errors.ts';

export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  /** When they end; the client asks for new ones some minutes before. */
  readonly expiration?: Date;
}

/**
 * The client for the properties that Iceberg names: `s3.endpoint`, `s3.path-style-access`, `s3.access-key-id`,
 * `s3.secret-access-key`, `s3.session-token`, `client.region` or `s3.region`. Without keys the SDK's own chain looks for
 * them (environment, profile, instance role).
 */
export function createS3Client(
  properties: Readonly<Record<string, string>>,
  credentials?: () => Promise<S3Credentials>,
): S3Client {
  const endpoint = properties['s3.endpoint'];
  const config: S3ClientConfig = {
    endpoint,
    region: regionOf(properties),
    forcePathStyle: properties['s3.path-style-access']?.toLowerCase() === 'true',
    credentials: credentials ?? staticCredentials(properties),
    // The newer default, a trailing checksum on every upload, is refused by stores that only speak the older protocol.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // Tried again in `request`, which knows what may be repeated and listens to the signal.
    maxAttempts: 1,
    requestHandler: { connectionTimeout: 5_000, socketTimeout: 30_000 },
  };
  return new S3Client(config);
}

const ATTEMPTS_MAX = 5;
const DELAY_FIRST_MS = 100;
const DELAY_MAX_MS = 5_000;

/**
 * Sends a request, again while the store is unreachable, about 1.5 s long in all when it answers at once. `send` gets
 * the number of the attempt, from 1: after the first one the store may have done already what it is asked.
 */
export async function request<T>(
  operation: string,
  location: string,
  signal: AbortSignal | undefined,
  send: (attempt: number) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    signal?.throwIfAborted();
    try {
      return await send(attempt);
    } catch (cause) {
      if (signal?.aborted) throw signal.reason;
      const error = s3Error(cause, operation, location);
      if (!(error instanceof IcestreamError)) throw error;
      if (error.code !== 'storage.unreachable' || attempt === ATTEMPTS_MAX) throw error;
      const ceiling = Math.min(DELAY_MAX_MS, DELAY_FIRST_MS * 2 ** (attempt - 1));
      await sleep(ceiling * (0.5 + Math.random() / 2), signal);
    }
  }
}

/** What the store or the way to it refused, as one of our codes. The cause holds no credentials and no bytes. */
export function s3Error(error: unknown, operation: string, location: string): unknown {
  if (error instanceof IcestreamError || isAbort(error)) return error;
  const name = (error as Error).name ?? '';
  const status = httpStatus(error);
  const code = errorCode(name, status, error);
  return new IcestreamError(code, `the object store failed at ${operation}`, {
    cause: error,
    context: { operation, location, status, reason: name },
    hint: HINTS[name],
  });
}

export function httpStatus(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
}

function errorCode(name: string, status: number | undefined, error: unknown): ErrorCode {
  const named = CODES[name];
  if (named !== undefined) return named;
  if (status === undefined) return isNetworkError(error) ? 'storage.unreachable' : 'storage.io';
  if (status === 401 || status === 403 || status === 301 || status === 307) return 'storage.refused';
  if (status === 404) return 'storage.not-found';
  if (status === 507) return 'storage.full';
  return status === 429 || status >= 500 ? 'storage.unreachable' : 'storage.io';
}

/** By the error's name where it says more than the status. */
const CODES: Readonly<Record<string, ErrorCode>> = {
  NoSuchKey: 'storage.not-found',
  NoSuchBucket: 'storage.refused',
  CredentialsProviderError: 'storage.refused',
  ExpiredToken: 'storage.refused',
  InvalidToken: 'storage.refused',
  TokenRefreshRequired: 'storage.refused',
  // The SDK corrects its clock by the answer, so the next attempt is right.
  RequestTimeTooSkewed: 'storage.unreachable',
  RequestTimeout: 'storage.unreachable',
  TimeoutError: 'storage.unreachable',
  XMinioStorageFull: 'storage.full',
  InsufficientStorage: 'storage.full',
};

const HINTS: Readonly<Record<string, string>> = {
  NoSuchBucket: 'Create the bucket or correct the warehouse location.',
  PermanentRedirect: 'Set client.region to the region of the bucket.',
  CredentialsProviderError:
    'Set s3.access-key-id and s3.secret-access-key, or give the process AWS credentials.',
  RequestTimeTooSkewed: 'Set the clock of this machine.',
};

const NETWORK_CODES =
  /^(E(CONN\w+|PIPE|HOSTUNREACH|NETUNREACH|HOSTDOWN|NETDOWN|TIMEDOUT|NOTFOUND|AI_AGAIN)|ERR_STREAM_PREMATURE_CLOSE)$/;

function isNetworkError(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    const code = (at as NodeJS.ErrnoException).code ?? '';
    if (NETWORK_CODES.test(code)) return true;
    // Without a code: an answer that ended before its announced length, a body that is no XML (a broken proxy's page).
    if (/^(aborted|socket hang up)$/.test(at.message)) return true;
  }
  return false;
}

function regionOf(properties: Readonly<Record<string, string>>): string | undefined {
  const named = properties['client.region'] ?? properties['s3.region'];
  if (named !== undefined || properties['s3.endpoint'] === undefined) return named;
  // Stores other than AWS mostly ignore the region, but a signature must name one.
  return process.env['AWS_REGION'] ?? 'us-east-1';
}

function staticCredentials(properties: Readonly<Record<string, string>>): S3Credentials | undefined {
  const accessKeyId = properties['s3.access-key-id'];
  const secretAccessKey = properties['s3.secret-access-key'];
  if (accessKeyId === undefined || secretAccessKey === undefined) return undefined;
  return { accessKeyId, secretAccessKey, sessionToken: properties['s3.session-token'] };
}

async function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await setTimeout(ms, undefined, { signal }).catch((error) => {
    throw signal?.aborted ? signal.reason : error;
  });
}
