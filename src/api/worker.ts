import { pluginKeyInfos } from '../runtime/plugins/validate.ts';
import { CONNECT_VERSION } from '../runtime/plugins/versions.ts';
import { RequestError } from '../runtime/request-error.ts';
import { readConfig } from './requests.ts';
import { type Answer, type Call, ok, type Route } from './routes.ts';

/** The worker itself and its plugins. */
export const WORKER_ROUTES: readonly Route[] = [
  { method: 'GET', path: '/', handle: ({ herder }) => ok(serverInfo(herder.store.clusterId)) },
  { method: 'GET', path: '/health', handle: () => ok(HEALTHY) },
  { method: 'GET', path: '/health/live', handle: () => ok({ status: 'healthy' }) },
  { method: 'GET', path: '/health/tasks', handle: taskHealth },
  { method: 'GET', path: '/connector-plugins', handle: listPlugins },
  { method: 'GET', path: '/connector-plugins/:plugin/config', handle: pluginConfig },
  { method: 'PUT', path: '/connector-plugins/:plugin/config/validate', handle: validate },
];

/** Answers come only once the worker has started, so there is no other; a worker that cannot answer does not. */
const HEALTHY = {
  status: 'healthy',
  message: 'Worker has completed startup and is ready to handle requests.',
};

function serverInfo(clusterId: string) {
  return { version: CONNECT_VERSION, commit: 'icestream', kafka_cluster_id: clusterId };
}

/** 503 while any task has failed or waits for its next attempt, for monitors that look at the code alone. */
function taskHealth({ herder }: Call): Answer {
  const troubled = herder.names().flatMap((name) =>
    herder
      .status(name)
      .tasks.filter(({ state }) => state === 'FAILED' || state === 'RESTARTING')
      .map(({ id, state }) => ({ connector: name, task: id, state })),
  );
  if (troubled.length === 0) return ok({ status: 'healthy', tasks: [] });
  return { status: 503, json: { status: 'unhealthy', tasks: troubled } };
}

/** `connectorsOnly=false` adds nothing: transforms and converters shape Kafka records, of which there are none yet. */
function listPlugins({ herder }: Call): Answer {
  return ok(
    herder.plugins.connectors.map(({ className, type, version }) => ({ class: className, type, version })),
  );
}

function pluginConfig({ herder, params }: Call): Answer {
  const plugin = herder.plugins.find(params['plugin']!);
  if (plugin === null) throw new RequestError(404, `Unknown plugin ${params['plugin']}.`);
  return ok(pluginKeyInfos(plugin));
}

async function validate({ herder, params, body }: Call): Promise<Answer> {
  const requested = params['plugin']!;
  const config = readConfig(body);
  const given = config['connector.class'];
  if (given && simpleName(given) !== simpleName(requested))
    throw new RequestError(400, `Included connector type ${given} does not match request type ${requested}`);
  try {
    return ok(await herder.validate(config));
  } catch (error) {
    // Connect validates on another thread and reports its refusals wrapped, as 500.
    if (!(error instanceof RequestError)) throw error;
    throw new RequestError(
      500,
      `org.apache.kafka.connect.runtime.rest.errors.BadRequestException: ${error.message}`,
    );
  }
}

/** Full name, simple name and simple name without its ending are one plugin. */
function simpleName(className: string): string {
  return className.slice(className.lastIndexOf('.') + 1).replace(/Connector$/, '');
}
