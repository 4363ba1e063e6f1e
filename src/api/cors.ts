import type { FastifyReply, FastifyRequest } from 'fastify';
import type { WorkerConfig } from '../runtime/worker-config.ts';

type CorsSettings = Pick<WorkerConfig, 'corsOrigin' | 'corsMethods'>;

/** Lets pages of the origins in `access.control.allow.origin` read answers; without that property, none. */
export function allowOrigin(
  { corsOrigin }: CorsSettings,
  request: FastifyRequest,
  reply: FastifyReply,
): boolean {
  const { origin } = request.headers;
  if (origin === undefined || corsOrigin === '') return false;
  const allowed = corsOrigin.split(',').map((each) => each.trim());
  if (!allowed.includes('*') && !allowed.includes(origin)) return false;
  reply.header('Access-Control-Allow-Origin', origin).header('Vary', 'Origin');
  return true;
}

const DEFAULT_METHODS = ['GET', 'POST', 'HEAD'];

/** The browser's question before a request that is not simple. */
export function preflight(settings: CorsSettings, request: FastifyRequest, reply: FastifyReply): void {
  if (request.headers['access-control-request-method'] === undefined) return;
  if (!allowOrigin(settings, request, reply)) return;
  const methods = settings.corsMethods.length === 0 ? DEFAULT_METHODS : settings.corsMethods;
  reply.header('Access-Control-Allow-Methods', methods.join(','));
  reply.header('Access-Control-Allow-Headers', 'X-Requested-With,Content-Type,Accept,Origin');
}
