import { IcestreamError } from '../../base/errors.ts';
import type { SourceContext } from '../source.ts';
import type { PostgresConfig } from './config.ts';
import { type ConnectOptions, connect, connectReplication, takeSocket } from './connection.ts';
import type { Filters } from './filters.ts';
import { startHeartbeat } from './heartbeat.ts';
import type { PostgresOffset } from './offset.ts';
import type { Interleave, TableCatalog } from './parts.ts';
import type { ServerFacts } from './server.ts';
import { Spool } from './spool.ts';
import { ChangeStream } from './stream.ts';

export interface SessionOptions {
  readonly config: PostgresConfig;
  readonly context: SourceContext;
  readonly connection: ConnectOptions;
  readonly server: ServerFacts;
  readonly filters: Filters;
  readonly catalog: TableCatalog;
  readonly interleave: Interleave | null;
  readonly from: PostgresOffset;
}

export interface Session {
  readonly stream: ChangeStream;
  close(): Promise<void>;
}

/** Streams from the slot; tries `slot.max.retries` times more while another reader holds it. */
export async function openSession(options: SessionOptions, signal: AbortSignal): Promise<Session> {
  const { config, context } = options;
  const retries = config['slot.max.retries'];
  for (let attempt = 0; ; attempt++) {
    try {
      return await start(options, signal);
    } catch (error) {
      signal.throwIfAborted();
      const busy = error instanceof IcestreamError && error.code === 'postgres.slot-busy';
      if (!busy || attempt >= retries) throw error;
      const facts = { slot: config['slot.name'], attempt: attempt + 1, retries };
      context.log.info(facts, 'the replication slot is in use, waiting for it');
      await wait(config['slot.retry.delay.ms'], signal);
    }
  }
}

async function start(options: SessionOptions, signal: AbortSignal): Promise<Session> {
  const { config, context, server } = options;
  const spool = new Spool(context.spoolDir, config['icestream.spool.max.bytes'], context.metrics);
  await spool.clear();
  const replication = await connectReplication(options.connection, signal);
  const stream = new ChangeStream({
    socket: takeSocket(replication),
    slot: config['slot.name'],
    publication: config['publication.name'],
    serverVersion: server.version,
    binary: true,
    parameters: streamParameters(config['slot.stream.params']),
    from: options.from,
    database: server.database,
    catalog: options.catalog,
    interleave: options.interleave,
    wantsMessage: (prefix) => options.filters.message(prefix),
    spool,
    statusIntervalMs: statusInterval(config, server),
    memoryBytes: context.memoryBytes,
    metrics: context.metrics,
    log: context.log,
  });
  const abort = () => void stream.close();
  signal.addEventListener('abort', abort, { once: true });
  try {
    await stream.start();
    signal.throwIfAborted();
  } catch (error) {
    await stream.close();
    throw error;
  } finally {
    signal.removeEventListener('abort', abort);
  }
  const heartbeat = heartbeatOf(options);
  return {
    stream,
    async close() {
      await heartbeat();
      await stream.close();
    },
  };
}

/** Thrice within the server's patience, since one update may come late while a batch is worked on. */
function statusInterval(config: PostgresConfig, server: ServerFacts): number {
  const heartbeat = config['heartbeat.interval.ms'];
  const wanted = config['status.update.interval.ms'];
  const configured = heartbeat > 0 ? Math.min(heartbeat, wanted) : wanted;
  const patience = server.walSenderTimeoutMs === 0 ? configured : Math.floor(server.walSenderTimeoutMs / 3);
  return Math.max(10, Math.min(configured, patience));
}

/** `slot.stream.params`: name=value pairs separated by semicolons, handed to the plugin as they are. */
function streamParameters(text: string | null): Map<string, string> {
  const parameters = new Map<string, string>();
  for (const pair of (text ?? '').split(';')) {
    const equals = pair.indexOf('=');
    if (equals > 0) parameters.set(pair.slice(0, equals).trim(), pair.slice(equals + 1).trim());
  }
  return parameters;
}

function heartbeatOf({ config, context, connection }: SessionOptions): () => Promise<void> {
  const query = config['heartbeat.action.query'];
  const intervalMs = config['heartbeat.interval.ms'];
  if (query === null || intervalMs === 0) return async () => {};
  const open = (signal: AbortSignal) => connect(connection, signal);
  return startHeartbeat({ query, intervalMs, connect: open, log: context.log });
}

export function wait(ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', abort);
      resolve();
    }, ms);
    signal.addEventListener('abort', abort, { once: true });
  });
}
