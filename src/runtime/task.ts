/**
 * A task's thread: one connector's source, sinks and pipeline. Started by the supervisor with `TaskStart` as its data.
 */
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { asIcestreamError, IcestreamError, isAbort } from '../base/errors.ts';
import { createLog, type Log } from '../base/log.ts';
import { TaskMetrics } from '../base/metrics.ts';
import { loadSource } from '../capture/registry.ts';
import type { Reread, Source } from '../capture/source.ts';
import { BatchCodec } from '../record/batch-codec.ts';
import type { Offset } from '../record/offset.ts';
import { loadSink } from '../sink/registry.ts';
import type { Sink } from '../sink/sink.ts';
import { type Chain, createChain } from '../transform/chain.ts';
import type { QueryDatabase } from '../transform/transform.ts';
import { Backlog } from './backlog.ts';
import { BatchSpool } from './batch-spool.ts';
import { Gate } from './gate.ts';
import type { Beside, PipelineSink } from './opening.ts';
import { runPipeline } from './pipeline.ts';
import type { TaskCommand, TaskReport, TaskStart } from './protocol.ts';
import { rereadStopped } from './reading.ts';
import { SPOOL_BYTES_MAX, sinksOf } from './sink-defaults.ts';
import { SinkHealth } from './sink-health.ts';
import { retryPolicy } from './states.ts';
import { taskError } from './supervisor.ts';

const METRICS_INTERVAL_MS = 1000;
/** A sink that takes no batch for so long does not slow the others down any more. */
const BACKLOG_GRACE_MS = 500;

const start = workerData as TaskStart;
const port = parentPort!;
const log = createLog(start.logLevel).child({ connector: start.connector, task: start.task });
const metrics = new TaskMetrics();
const stop = new AbortController();
const kill = new AbortController();
const gate = new Gate(start.paused);

port.on('message', (command: TaskCommand) => {
  if (command.type === 'pause') setPaused(true);
  else if (command.type === 'resume') setPaused(false);
  else if (command.type === 'log-level') log.level = command.level;
  else if (command.type === 'signal') source?.signal?.(command.id, command.signal, command.data);
  else if (command.type === 'stop') {
    stop.abort();
    setTimeout(() => kill.abort(), command.timeoutMs).unref();
  }
});

let source: Source | null = null;
/** The present instance of each. */
const sinks = new Map<string, Sink>();
const metricsTimer = setInterval(() => report({ type: 'metrics', metrics }), METRICS_INTERVAL_MS);

try {
  await run(log);
  report({ type: 'stopped', finished: !stop.signal.aborted });
} catch (error) {
  if (stop.signal.aborted && isAbort(error)) report({ type: 'stopped', finished: false });
  else {
    log.error({ error: asIcestreamError(error) }, 'task failed');
    report({ type: 'failed', error: taskError(error) });
  }
} finally {
  clearInterval(metricsTimer);
  report({ type: 'metrics', metrics });
  port.close();
}

async function run(log: Log): Promise<void> {
  const { config } = start;
  const definition = await loadSource(config['connector.class'] ?? '');
  if (definition === null) {
    throw new IcestreamError('connector.unknown', `no connector class ${config['connector.class']} is known`);
  }
  const memoryBytes = start.memoryBytes;
  const created = await definition.create(config, {
    connector: start.connector,
    task: start.task,
    log: log.child({ part: 'source' }),
    metrics,
    spoolDir: join(start.stateDir, 'spool'),
    // Events go on at once, where a lake keeps rows: a short queue serves them.
    memoryBytes: Math.floor(memoryBytes / (sinksOf(config).includes('iceberg') ? 4 : 16)),
    offsetEpoch: start.offsetEpoch,
  });
  source = created;
  try {
    const { offsets } = created;
    const stored = start.offset === null ? null : offsets.parse(start.offset, start.offsetEpoch);
    const onDurable = (offset: { toJSON(): Record<string, string | number | boolean | null> }) =>
      report({ type: 'offset', partition: offsets.partition, offset: offset.toJSON() });
    const onRunning = () => report({ type: 'state', state: gate.closed ? 'PAUSED' : 'RUNNING' });
    // A quarter is the source's; the last quarter is what the collector has not taken back yet of what they let go.
    const query: QueryDatabase | null =
      definition.query === undefined ? null : (...given) => definition.query!(...given, kill.signal);
    const transform = createTransform(query, log);
    const made = await pipelineSinks(created, Math.floor(memoryBytes / 2), transform, log);
    await runPipeline(
      { source: created, sinks: made, stored, gate, log, onDurable, onRunning },
      stop.signal,
      kill.signal,
    );
  } finally {
    await created.close();
  }
}

async function pipelineSinks(
  source: Source,
  memoryBytes: number,
  transform: Chain | null,
  log: Log,
): Promise<PipelineSink[]> {
  const { config } = start;
  const names = sinksOf(config);
  if (names.length === 0) {
    throw new IcestreamError(
      'config.invalid',
      'no sink: set "sinks": "iceberg", or bootstrap.servers on the worker',
    );
  }
  const made: PipelineSink[] = [];
  for (const name of names) {
    const definition = await loadSink(name);
    if (definition === null) throw new IcestreamError('config.invalid', `no sink is called ${name}`);
    const beside = names.length > 1 ? besideOthers(name, source, memoryBytes / 8, log) : null;
    const context = {
      connector: start.connector,
      task: start.task,
      log: log.child({ part: name }),
      metrics,
      offsets: source.offsets,
      epoch: start.offsetEpoch,
      stateDir: join(start.stateDir, name),
      memoryBytes: Math.floor(memoryBytes / names.length),
      ...(transform !== null && { transform }),
      ...(source.events === undefined ? {} : { forms: source.events }),
      onWaiting: (error: IcestreamError) => beside?.health.waits(error),
      reread: (tables: readonly string[], how: Reread) => source.reread?.(tables, how),
    };
    const create = async (stored: Offset | null) => {
      const sink = await definition.create(config, { ...context, stored });
      sinks.set(name, sink);
      return sink;
    };
    made.push({ create, policy: definition.commitPolicy(config), beside });
  }
  return made;
}

/** A lake takes rows; that no transform changes their values was seen to before (L-8). */
function createTransform(query: QueryDatabase | null, log: Log): Chain | null {
  if (!sinksOf(start.config).includes('kafka')) return null;
  const chain = createChain(start.config, { log, ...(query !== null && { query }) });
  return chain.isEmpty ? null : chain;
}

/** S-1 */
function besideOthers(sink: string, source: Source, memoryBytes: number, log: Log): Beside {
  const health = new SinkHealth(sink, retryPolicy(start.config), log, (state) => {
    metrics.sinks[sink] = state;
  });
  const backlog = async () => {
    const codec = new BatchCodec(source.offsets, source.marks);
    const spool = new BatchSpool(join(start.stateDir, 'backlog', sink), codec);
    await spool.clear();
    return new Backlog({
      memoryBytes,
      graceMs: BACKLOG_GRACE_MS,
      spool,
      spoolBytesMax: Number(start.config['sink.spool.max.bytes'] ?? SPOOL_BYTES_MAX),
      onState: (state) => health.waiting(state),
    });
  };
  return { health, backlog };
}

function setPaused(paused: boolean): void {
  if (paused) gate.close();
  else {
    // Whoever resumes has done what a stopped table asked for.
    if (gate.closed && source !== null) rereadStopped(source, sinks.values());
    gate.open();
  }
  report({ type: 'state', state: paused ? 'PAUSED' : 'RUNNING' });
}

function report(message: TaskReport): void {
  port.postMessage(message);
}
