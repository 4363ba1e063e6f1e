import { nearestName } from '../base/config.ts';
import { IcestreamError } from '../base/errors.ts';
import { ConfigProviders, type Properties } from './config-providers.ts';

export interface Listener {
  readonly protocol: 'http' | 'https';
  /** Empty: all interfaces. */
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
}

/** A Connect worker file, resolved. */
export interface WorkerConfig {
  /** All properties, config provider references resolved; tasks read their defaults from here. */
  readonly properties: Properties;
  readonly providers: ConfigProviders;
  readonly listeners: readonly Listener[];
  /** Where /admin is served: null beside the rest, empty nowhere. */
  readonly adminListeners: readonly Listener[] | null;
  /** What this worker is called to others; null parts follow the first listener. */
  readonly advertised: { readonly host: string | null; readonly port: number | null };
  readonly corsOrigin: string;
  readonly corsMethods: readonly string[];
  readonly topicTracking: boolean;
  readonly topicTrackingReset: boolean;
  readonly stateDir: string;
  readonly gracefulTimeoutMs: number;
  /** Of the whole process, split among its tasks (S-2). */
  readonly memoryBytes: number;
  readonly logLevel: string;
  /** What the reader of the log should know of the file: ignored and unknown properties, one sentence each. */
  readonly notes: readonly string[];
}

/** @throws IcestreamError config.invalid naming the property */
export function readWorkerConfig(
  raw: Properties,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): WorkerConfig {
  const providers = new ConfigProviders(raw, environment);
  const properties = providers.resolve(raw);
  return Object.freeze({
    properties,
    providers,
    listeners: listenersOf(properties),
    adminListeners:
      properties['admin.listeners'] === undefined
        ? null
        : parseListeners('admin.listeners', properties['admin.listeners']),
    advertised: {
      host: properties['rest.advertised.host.name'] || null,
      port: properties['rest.advertised.port']
        ? integer(properties, 'rest.advertised.port', 0, 0, 65535)
        : null,
    },
    corsOrigin: properties['access.control.allow.origin'] ?? '',
    corsMethods: list(properties['access.control.allow.methods'] ?? ''),
    topicTracking: boolean(properties, 'topic.tracking.enable', true),
    topicTrackingReset: boolean(properties, 'topic.tracking.allow.reset', true),
    stateDir: properties['icestream.state.dir'] || './.icestream',
    gracefulTimeoutMs: integer(properties, 'task.shutdown.graceful.timeout.ms', 5000, 0, 3_600_000),
    memoryBytes: integer(properties, 'icestream.memory.bytes', 256 * 1024 * 1024, 16 * 1024 * 1024, 2 ** 45),
    logLevel: logLevel(properties['icestream.log.level'] ?? environment['ICESTREAM_LOG_LEVEL'] ?? 'info'),
    notes: notesOn(properties),
  });
}

/** `listeners`, or the older pair `rest.host.name` and `rest.port`; without either only this machine may connect. */
function listenersOf(properties: Properties): readonly Listener[] {
  if (properties['listeners'] !== undefined) {
    const listeners = parseListeners('listeners', properties['listeners']);
    if (listeners.length === 0) throw invalid('listeners', 'must name at least one listener');
    return listeners;
  }
  return [
    {
      protocol: 'http',
      host: properties['rest.host.name'] || '127.0.0.1',
      port: integer(properties, 'rest.port', 8083, 0, 65535),
    },
  ];
}

function parseListeners(property: string, text: string): readonly Listener[] {
  return list(text).map((url) => {
    const match = /^(https?):\/\/(\[[0-9a-fA-F:.]+\]|[^:/\s]*):(\d{1,5})\/?$/i.exec(url);
    if (match === null || Number(match[3]) > 65535)
      throw invalid(property, `"${url}" is not of the form http://host:port`);
    const host = match[2]!.replace(/^\[|\]$/g, '');
    return {
      protocol: match[1]!.toLowerCase() as 'http' | 'https',
      host: host === '0.0.0.0' ? '' : host,
      port: Number(match[3]),
    };
  });
}

function list(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function integer(properties: Properties, name: string, fallback: number, min: number, max: number): number {
  const text = properties[name];
  if (text === undefined || text === '') return fallback;
  const value = Number(text);
  if (!Number.isInteger(value) || value < min || value > max)
    throw invalid(name, `"${text}" is not a whole number from ${min} to ${max}`);
  return value;
}

function boolean(properties: Properties, name: string, fallback: boolean): boolean {
  const text = properties[name]?.trim().toLowerCase();
  if (text === undefined || text === '') return fallback;
  if (text !== 'true' && text !== 'false') throw invalid(name, `"${text}" is neither true nor false`);
  return text === 'true';
}

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

function logLevel(text: string): string {
  const level = text.toLowerCase();
  if (!LEVELS.includes(level))
    throw invalid('icestream.log.level', `"${text}" is not one of ${LEVELS.join(', ')}`);
  return level;
}

function invalid(property: string, what: string): IcestreamError {
  return new IcestreamError('config.invalid', `${property} ${what}`, { context: { property } });
}

/** Own properties; any other name under `icestream.` is a typing error worth a note. */
const OWN_PROPERTIES = [
  'icestream.state.dir',
  'icestream.memory.bytes',
  'icestream.log.level',
  'icestream.spool.max.bytes',
];

const IGNORED: readonly (readonly [RegExp, string])[] = [
  [/^plugin\.(path|discovery)$/, 'plugins are built in'],
  [
    /^rest\.extension\.classes$/,
    'REST extensions are Java classes; THE REST API IS NOT AUTHENTICATED BY THEM',
  ],
  [/^connector\.client\.config\.override\.policy$/, 'every client property may be overridden'],
  [/^offset\.storage\.file\.filename$/, 'offsets are kept under icestream.state.dir'],
];

function notesOn(properties: Properties): string[] {
  const notes: string[] = [];
  if (properties['bootstrap.servers'] !== undefined)
    notes.push(
      'bootstrap.servers: changes are published there; configurations and states are kept under icestream.state.dir',
    );
  for (const name of Object.keys(properties)) {
    const ignored = IGNORED.find(([pattern]) => pattern.test(name));
    if (ignored !== undefined) notes.push(`${name} is ignored: ${ignored[1]}`);
    else if (name.startsWith('icestream.') && !OWN_PROPERTIES.includes(name))
      notes.push(`${name} is unknown${suggestion(name)}`);
  }
  return notes;
}

function suggestion(name: string): string {
  const nearest = nearestName(name, OWN_PROPERTIES);
  return nearest === null ? '' : `; did you mean ${nearest}?`;
}
