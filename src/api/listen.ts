import { readFileSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';
import { IcestreamError } from '../base/errors.ts';
import type { Properties } from '../runtime/config-providers.ts';
import type { Listener } from '../runtime/worker-config.ts';
import { ADMIN_ROUTES } from './admin.ts';
import { CONNECTOR_ROUTES } from './connectors.ts';
import { METRICS_ROUTES } from './metrics.ts';
import type { Route } from './routes.ts';
import { type ApiOptions, createServer } from './server.ts';
import { WORKER_ROUTES } from './worker.ts';

export interface Api {
  /** Addresses that are listened on, as URLs with the ports that were given. */
  readonly urls: readonly string[];
  /** Lets requests in work finish. */
  close(): Promise<void>;
}

/**
 * Opens every listener of the worker.
 * @throws IcestreamError config.invalid if one cannot be opened; none is left open then
 */
export async function listen(options: ApiOptions): Promise<Api> {
  const { worker } = options.herder;
  const plain: Route[] = [...WORKER_ROUTES, ...CONNECTOR_ROUTES, ...METRICS_ROUTES];
  const admin = [...ADMIN_ROUTES, ...METRICS_ROUTES];
  const servers: FastifyInstance[] = [];
  const urls: string[] = [];
  try {
    for (const listener of worker.listeners)
      urls.push(
        await open(
          servers,
          listener,
          worker.adminListeners === null ? [...plain, ...ADMIN_ROUTES] : plain,
          options,
        ),
      );
    for (const listener of worker.adminListeners ?? []) await open(servers, listener, admin, options);
  } catch (error) {
    await closeAll(servers);
    throw error;
  }
  return { urls, close: () => closeAll(servers) };
}

async function open(
  servers: FastifyInstance[],
  listener: Listener,
  routes: readonly Route[],
  options: ApiOptions,
) {
  const { protocol, host, port } = listener;
  const tls = protocol === 'https' ? tlsOf(options.herder.worker.properties) : undefined;
  const server = createServer(routes, { ...options, tls });
  servers.push(server);
  try {
    await server.listen({ port, host: host === '' ? '::' : host });
  } catch (cause) {
    throw new IcestreamError('config.invalid', `cannot listen on ${protocol}://${host}:${port}`, {
      cause,
      context: { property: 'listeners' },
      hint: 'Choose a free port and an address of this machine.',
    });
  }
  const address = server.server.address() as { port: number };
  const shown = host === '' ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  return `${protocol}://${shown}:${address.port}`;
}

async function closeAll(servers: readonly FastifyInstance[]): Promise<void> {
  await Promise.all(servers.map((server) => server.close()));
}

/** Kafka's `ssl.keystore.*`, prefixed or not, for the formats that Node reads. */
function tlsOf(properties: Properties): object {
  const property = (name: string) => properties[`listeners.https.ssl.${name}`] ?? properties[`ssl.${name}`];
  const location = property('keystore.location');
  const type = (property('keystore.type') ?? 'JKS').toUpperCase();
  const passphrase = property('keystore.password') ?? property('key.password');
  if (location === undefined || (type !== 'PEM' && type !== 'PKCS12'))
    throw new IcestreamError('config.invalid', 'an https listener needs a keystore of type PEM or PKCS12', {
      context: { property: 'listeners.https.ssl.keystore.type' },
    });
  try {
    const bytes = readFileSync(location);
    return type === 'PEM' ? { key: bytes, cert: bytes, passphrase } : { pfx: bytes, passphrase };
  } catch (cause) {
    throw new IcestreamError('config.invalid', 'the keystore cannot be read', {
      cause,
      context: { path: location },
    });
  }
}
