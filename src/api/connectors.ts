import type { ConfigPatch, ConnectorInfo } from '../runtime/herder.ts';
import { RequestError } from '../runtime/request-error.ts';
import { readConfig, readCreateRequest, readOffsets, readSignal } from './requests.ts';
import { ACCEPTED, type Answer, type Call, flag, NO_CONTENT, ok, type Route } from './routes.ts';
import { tablesOf } from './tables.ts';

/** `/connectors` and everything below it. */
export const CONNECTOR_ROUTES: readonly Route[] = [
  { method: 'GET', path: '/connectors', handle: list },
  { method: 'POST', path: '/connectors', handle: create },
  {
    method: 'GET',
    path: '/connectors/:connector',
    handle: ({ herder, params }) => ok(herder.info(params['connector']!)),
  },
  { method: 'DELETE', path: '/connectors/:connector', handle: remove },
  {
    method: 'GET',
    path: '/connectors/:connector/config',
    handle: ({ herder, params }) => ok(herder.config(params['connector']!)),
  },
  { method: 'PUT', path: '/connectors/:connector/config', handle: putConfig },
  { method: 'PATCH', path: '/connectors/:connector/config', handle: patchConfig },
  {
    method: 'GET',
    path: '/connectors/:connector/status',
    handle: ({ herder, params }) => ok(herder.status(params['connector']!)),
  },
  { method: 'POST', path: '/connectors/:connector/restart', handle: restart },
  {
    method: 'PUT',
    path: '/connectors/:connector/pause',
    handle: (call) => setTarget(call, 'PAUSED', ACCEPTED),
  },
  {
    method: 'PUT',
    path: '/connectors/:connector/resume',
    handle: (call) => setTarget(call, 'STARTED', ACCEPTED),
  },
  {
    method: 'PUT',
    path: '/connectors/:connector/stop',
    handle: (call) => setTarget(call, 'STOPPED', NO_CONTENT),
  },
  {
    method: 'GET',
    path: '/connectors/:connector/tasks',
    handle: ({ herder, params }) => ok(herder.tasks(params['connector']!)),
  },
  { method: 'POST', path: '/connectors/:connector/tasks', handle: unsigned },
  { method: 'PUT', path: '/connectors/:connector/fence', handle: unsigned },
  { method: 'GET', path: '/connectors/:connector/tasks/:task/status', handle: taskStatus },
  { method: 'POST', path: '/connectors/:connector/tasks/:task/restart', handle: restartTask },
  { method: 'GET', path: '/connectors/:connector/topics', handle: topics },
  { method: 'PUT', path: '/connectors/:connector/topics/reset', handle: resetTopics },
  {
    method: 'GET',
    path: '/connectors/:connector/offsets',
    handle: ({ herder, params }) => ok({ offsets: herder.offsets(params['connector']!) }),
  },
  { method: 'PATCH', path: '/connectors/:connector/offsets', handle: alterOffsets },
  { method: 'DELETE', path: '/connectors/:connector/offsets', handle: resetOffsets },
  {
    method: 'GET',
    path: '/connectors/:connector/tables',
    handle: ({ herder, params }) => ok(tablesOf(herder, params['connector']!)),
  },
  { method: 'POST', path: '/connectors/:connector/signals', handle: signal },
];

function list({ herder, query }: Call): Answer {
  const expand = query['expand'];
  if (expand === undefined) return ok(herder.names());
  const entries = herder.names().map((name) => {
    const parts: Record<string, unknown> = {};
    if (expand.includes('status')) parts['status'] = herder.status(name);
    if (expand.includes('info')) parts['info'] = herder.info(name);
    return [name, parts];
  });
  return ok(Object.fromEntries(entries));
}

async function create({ herder, body, base }: Call): Promise<Answer> {
  const { name, config, initialState } = readCreateRequest(body);
  const info = await herder.create(name, named(name, config), initialState);
  return created(base, info);
}

async function putConfig({ herder, params, body, base }: Call): Promise<Answer> {
  const name = params['connector']!;
  const result = await herder.putConfig(name, named(name, readConfig(body)));
  return result.created ? created(base, result.info) : ok(result.info);
}

async function patchConfig({ herder, params, body }: Call): Promise<Answer> {
  return ok(await herder.patchConfig(params['connector']!, readConfig(body)));
}

/** The name in the path or beside the configuration is the connector's; one inside it has to agree. */
function named(name: string, config: ConfigPatch): ConfigPatch {
  const inside = config['name'];
  if (inside === undefined || inside === null) return { ...config, name };
  if (inside.trim() !== name)
    throw new RequestError(
      400,
      `Connector name configuration (${inside}) doesn't match connector name in the URL (${name})`,
    );
  return config;
}

function created(base: string, info: ConnectorInfo): Answer {
  const path = info.name.split('/').map(encodeURIComponent).join('/');
  return { status: 201, json: info, headers: { Location: `${base}/connectors/${path}` } };
}

function remove({ herder, params }: Call): Answer {
  herder.delete(params['connector']!);
  return NO_CONTENT;
}

function setTarget(
  { herder, params }: Call,
  target: 'STARTED' | 'PAUSED' | 'STOPPED',
  answer: Answer,
): Answer {
  herder.setTarget(params['connector']!, target);
  return answer;
}

function restart(call: Call): Answer {
  const includeTasks = flag(call, 'includeTasks', false);
  const onlyFailed = flag(call, 'onlyFailed', false);
  const status = call.herder.restart(call.params['connector']!, includeTasks, onlyFailed);
  return includeTasks || onlyFailed ? { status: 202, json: status } : NO_CONTENT;
}

function taskStatus({ herder, params }: Call): Answer {
  return ok(herder.taskStatus(params['connector']!, taskId(params)));
}

function restartTask({ herder, params }: Call): Answer {
  herder.restartTask(params['connector']!, taskId(params));
  return NO_CONTENT;
}

function taskId(params: Call['params']): number {
  if (!/^-?\d{1,9}$/.test(params['task']!)) throw new RequestError(404, 'HTTP 404 Not Found');
  return Number(params['task']);
}

/** Only workers of one cluster send these, signed with the cluster's key. */
function unsigned(): Answer {
  throw new RequestError(400, 'Internal request missing required signature');
}

function topics({ herder, params }: Call): Answer {
  if (!herder.worker.topicTracking) throw new RequestError(403, 'Topic tracking is disabled.');
  const name = params['connector']!;
  return ok({ [name]: { topics: herder.topics(name) } });
}

function resetTopics({ herder, params }: Call): Answer {
  if (!herder.worker.topicTracking) throw new RequestError(403, 'Topic tracking is disabled.');
  if (!herder.worker.topicTrackingReset) throw new RequestError(403, 'Topic tracking reset is disabled.');
  herder.resetTopics(params['connector']!);
  return ACCEPTED;
}

async function alterOffsets({ herder, params, body }: Call): Promise<Answer> {
  await herder.alterOffsets(params['connector']!, readOffsets(body));
  return ok({ message: changedMessage('altered') });
}

async function resetOffsets({ herder, params }: Call): Promise<Answer> {
  await herder.resetOffsets(params['connector']!);
  return ok({ message: changedMessage('reset') });
}

/** Debezium's connectors leave it open whether they keep offsets elsewhere; so runs Connect's text for them. */
function changedMessage(done: 'altered' | 'reset'): string {
  return (
    `The Connect framework-managed offsets for this connector have been ${done} successfully. However, if this connector ` +
    `manages offsets externally, they will need to be manually ${done} in the system that the connector uses.`
  );
}

function signal({ herder, params, body }: Call): Answer {
  const request = readSignal(body);
  herder.signal(params['connector']!, request);
  return { status: 202, json: { id: request.id } };
}
