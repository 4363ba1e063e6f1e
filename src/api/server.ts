import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Log } from '../base/log.ts';
import type { Herder } from '../runtime/herder.ts';
import type { Loggers } from '../runtime/loggers.ts';
import { RequestError } from '../runtime/request-error.ts';
import { allowOrigin, preflight } from './cors.ts';
import type { Answer, Call, Route } from './routes.ts';

export interface ApiOptions {
  readonly herder: Herder;
  readonly loggers: Loggers;
  readonly log: Log;
  /** Certificate and key of an https listener. */
  readonly tls?: object;
}

/** Far beyond any configuration; a longer body is refused unread. */
const BODY_BYTES_MAX = 4 * 1024 * 1024;
const NAME_LENGTH_MAX = 4096;

/** One HTTP server with the given routes. Statuses, headers and bodies are Kafka Connect's. */
export function createServer(routes: readonly Route[], options: ApiOptions): FastifyInstance {
  const app = fastify({
    bodyLimit: BODY_BYTES_MAX,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: NAME_LENGTH_MAX },
    forceCloseConnections: true,
    ...(options.tls === undefined ? {} : { https: options.tls }),
    frameworkErrors: (error, _request, reply) => void refuse(reply, error.statusCode ?? 400),
  }) as unknown as FastifyInstance;
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));
  app.addHook('onRequest', async (request, reply) => {
    allowOrigin(options.herder.worker, request, reply);
    // A name with a slash could mean another path, so Connect's server refuses it.
    if (/%2f/i.test(request.raw.url ?? ''))
      return sendJson(reply, 400, errorBody(400, 'Ambiguous URI path separator'));
  });
  for (const route of routes) addRoute(app, route, options);
  app.setNotFoundHandler((request, reply) => notFound(routes, options, request, reply));
  app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    if (error instanceof RequestError)
      return sendJson(reply, error.status, errorBody(error.status, error.message));
    if (error.statusCode !== undefined && error.statusCode < 500) return refuse(reply, error.statusCode);
    options.log.error({ error, method: request.method, path: request.url }, 'request failed');
    return sendJson(reply, 500, errorBody(500, error.message));
  });
  return app;
}

function addRoute(app: FastifyInstance, route: Route, options: ApiOptions): void {
  app.route({
    method: route.method,
    url: route.path,
    handler: async (request, reply) => {
      if (!acceptsJson(request) && !route.path.startsWith('/metrics')) return refuse(reply, 406);
      const body = (request.body as string | undefined) ?? '';
      if (body !== '' && !hasJsonBody(request)) return refuse(reply, 415);
      const answer = await route.handle(callOf(request, body, options));
      return send(reply, answer);
    },
  });
}

function callOf(request: FastifyRequest, body: string, { herder, loggers }: ApiOptions): Call {
  const query = Object.entries(request.query as Record<string, string | string[]>);
  return {
    params: request.params as Record<string, string>,
    query: Object.fromEntries(query.map(([name, value]) => [name, Array.isArray(value) ? value : [value]])),
    body,
    base: `${request.protocol}://${request.host}`,
    herder,
    loggers,
  };
}

function acceptsJson(request: FastifyRequest): boolean {
  const accept = request.headers.accept;
  return (
    accept === undefined || accept.trim() === '' || /(^|,)\s*(\*\/\*|application\/(\*|json))/i.test(accept)
  );
}

function hasJsonBody(request: FastifyRequest): boolean {
  const type = request.headers['content-type'];
  return type === undefined || /^application\/json\s*(;|$)/i.test(type.trim());
}

function send(reply: FastifyReply, { status, json, text, headers = {} }: Answer): FastifyReply {
  reply.headers(headers);
  if (text !== undefined) return reply.code(status).type(text.type).send(Buffer.from(text.body));
  if (json === undefined) return reply.code(status).send();
  return sendJson(reply, status, json);
}

/** As bytes, because to text the framework would add a charset, which Connect's answers do not have. */
function sendJson(reply: FastifyReply, status: number, json: unknown): FastifyReply {
  return reply
    .code(status)
    .header('Content-Type', 'application/json')
    .send(Buffer.from(JSON.stringify(json)));
}

function errorBody(status: number, message: string) {
  return { error_code: status, message };
}

const REASONS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  413: 'Request Entity Too Large',
  415: 'Unsupported Media Type',
};

/** What HTTP itself forbids. Connect's answers to these carry no Content-Type, so neither do ours. */
function refuse(reply: FastifyReply, status: number): FastifyReply {
  const body = JSON.stringify(errorBody(status, `HTTP ${status} ${REASONS[status] ?? 'Bad Request'}`));
  reply.hijack();
  const headers: Record<string, number | string> = { 'Content-Length': Buffer.byteLength(body) };
  // What is left of an unread body would be taken for the next request.
  if (status === 413) headers['Connection'] = 'close';
  reply.raw.writeHead(status, headers);
  reply.raw.end(body);
  return reply;
}

function notFound(
  routes: readonly Route[],
  { herder }: ApiOptions,
  request: FastifyRequest,
  reply: FastifyReply,
) {
  const path = request.url.split('?')[0]!.replace(/(?<=.)\/$/, '');
  const methods = routes.filter((route) => matches(route.path, path)).map(({ method }) => method);
  if (methods.length === 0) return refuse(reply, 404);
  if (request.method !== 'OPTIONS') return refuse(reply, 405);
  const allowed = [
    ...new Set([...(methods.includes('GET') ? ['HEAD'] : []), ...methods.toSorted(byVerb), 'OPTIONS']),
  ];
  preflight(herder.worker, request, reply);
  return reply
    .header('Allow', allowed.join(','))
    .header('Content-Type', 'text/plain')
    .send(Buffer.from(allowed.join(', ')));
}

const VERBS = ['POST', 'GET', 'PUT', 'PATCH', 'DELETE'];

function byVerb(a: string, b: string): number {
  return VERBS.indexOf(a) - VERBS.indexOf(b);
}

function matches(pattern: string, path: string): boolean {
  const wanted = pattern.split('/');
  const given = path.split('/');
  return (
    wanted.length === given.length && wanted.every((part, i) => part.startsWith(':') || part === given[i])
  );
}
