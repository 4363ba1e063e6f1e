import { IcestreamError, isAbort } from '../../base/errors.ts';

export interface RegistryAccess {
  /** Asked in turn until one answers. */
  readonly urls: readonly string[];
  /** The `Authorization` header; null for none. */
  readonly authorization: string | null;
}

export interface RegistryRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** For errors. */
  readonly subject: string;
}

const TIMEOUT_MS = 30_000;

/** A registry's answer as JSON. @throws IcestreamError convert.registry, convert.registry-refused, convert.registry-schema */
export async function askRegistry(access: RegistryAccess, request: RegistryRequest): Promise<unknown> {
  let unreachable: IcestreamError | null = null;
  for (const url of access.urls) {
    try {
      const response = await send(url, access, request);
      if (response.ok) return await response.json();
      const error = await refusal(response, url, request);
      if (error.code !== 'convert.registry') throw error;
      unreachable = error;
    } catch (error) {
      if (error instanceof IcestreamError || (isAbort(error) && !isTimeout(error))) throw error;
      unreachable = new IcestreamError('convert.registry', `The schema registry at ${url} does not answer`, {
        cause: error,
        context: { url, subject: request.subject },
      });
    }
  }
  throw unreachable ?? new IcestreamError('convert.registry', 'No schema registry is configured');
}

function send(url: string, access: RegistryAccess, request: RegistryRequest): Promise<Response> {
  const headers = new Headers(request.headers);
  if (access.authorization !== null) headers.set('Authorization', access.authorization);
  return fetch(`${url}${request.path}`, {
    method: request.method,
    headers,
    body: request.body,
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
}

async function refusal(response: Response, url: string, request: RegistryRequest): Promise<IcestreamError> {
  const { status } = response;
  const text = (await response.text()).slice(0, 500);
  const { subject } = request;
  const context = { url, subject, status };
  if (status === 401 || status === 403) {
    const message = `The schema registry refuses access to ${subject} (${status}): ${text}`;
    return new IcestreamError('convert.registry-refused', message, { context });
  }
  if (status >= 500 || status === 429 || status === 408) {
    const message = `The schema registry answered ${status} for ${subject}: ${text}`;
    return new IcestreamError('convert.registry', message, { context });
  }
  const [what, hint] = REFUSALS[status] ?? ['does not take the schema of', undefined];
  const message = `The schema registry ${what} ${subject} (${status}): ${text}`;
  return new IcestreamError('convert.registry-schema', message, { context, hint });
}

/** What an answer means for the subject, and what can be done. */
const REFUSALS: Readonly<Record<number, readonly [what: string, hint: string]>> = {
  404: [
    'does not have the schema of',
    'Register the schema, or let it be registered: auto.register.schemas=true, with Apicurio apicurio.registry.auto-register=true.',
  ],
  409: [
    'finds the schema incompatible with an earlier one of',
    "Set the subject's compatibility level so that it allows the change of the table, or undo the change; then restart the task.",
  ],
  422: [
    'finds the schema invalid for',
    'See what the registry says of the schema; rename or exclude the column that it names, or use another converter.',
  ],
};

/** The body of an answer that holds an id. */
export function idOf(answer: unknown, field: string, subject: string): number {
  const id = (answer as Record<string, unknown> | null)?.[field];
  if (typeof id === 'number') return id;
  throw new IcestreamError('convert.registry', `The schema registry's answer has no ${field}`, {
    context: { subject },
  });
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.name === 'TimeoutError';
}

/** Urls without a slash at the end and without credentials, which become a header of their own. */
export function splitUrls(text: string): { readonly urls: string[]; readonly userInfo: string | null } {
  let userInfo: string | null = null;
  const urls = text.split(',').flatMap((part) => {
    if (part.trim() === '') return [];
    const url = new URL(part.trim());
    if (url.username !== '')
      userInfo = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
    url.username = '';
    url.password = '';
    return [url.href.replace(/\/+$/, '')];
  });
  return { urls, userInfo };
}

export function basicAuthorization(userInfo: string): string {
  return `Basic ${Buffer.from(userInfo).toString('base64')}`;
}
