import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { IcestreamError } from '../../src/base/errors.ts';
import { createLog } from '../../src/base/log.ts';
import { TaskMetrics } from '../../src/base/metrics.ts';
import { type PostgresOffset, postgresOffsets } from '../../src/capture/postgres/offset.ts';
import { Lane } from '../../src/runtime/lane.ts';
import { kafkaSink } from '../../src/sink/kafka/definition.ts';
import type { Sink, SinkContext } from '../../src/sink/sink.ts';
import { installKafka } from '../services/kafka.ts';
import { KEYS, numberedForms, offsetAt, rowsOf } from './numbered-rows.ts';

export interface Endurance {
  readonly bootstrap: string;
  readonly prefix: string;
  readonly records: number;
  readonly exactlyOnce: boolean;
  /** Told of every batch that was taken; the next one waits for it. */
  readonly onProgress: (taken: number) => Promise<void>;
}

export interface Checked {
  readonly records: number;
  readonly missing: number;
  readonly repeated: number;
}

const ROWS = 5000;
const JSON_CONVERTER = 'org.apache.kafka.connect.json.JsonConverter';
const PROGRAM = fileURLToPath(new URL('../services/java/kafka/CheckNumbers.java', import.meta.url));

/**
 * Publishes numbered rows through the whole of the sink, from cells to acknowledged batches, and commits as a task does. What
 * ends the sink by something that passes makes it begin again from its own offset, as the task would; the answer says how
 * often.
 */
export async function publishNumbers(options: Endurance): Promise<number> {
  for (let restarts = 0; ; restarts++) {
    try {
      await publishOnce(options);
      return restarts;
    } catch (error) {
      if (!(error instanceof IcestreamError) || error.retry !== 'backoff') throw error;
    }
  }
}

async function publishOnce({ records, onProgress, ...options }: Endurance): Promise<void> {
  const config = properties(options);
  const sink = await kafkaSink.create(config, context(options.prefix));
  const failed = new AbortController();
  let lane: Lane | null = null;
  try {
    const held = (await sink.open(failed.signal)) as PostgresOffset | null;
    lane = laneOf(sink, held, config, failed);
    for (let taken = Number(held?.lsn ?? 0); taken < records; ) {
      const to = Math.min(records, taken + ROWS);
      await lane.write(rowsOf(taken + 1, to));
      failed.signal.throwIfAborted();
      taken = to;
      await onProgress(taken);
    }
    await lane.flush();
    failed.signal.throwIfAborted();
  } finally {
    failed.abort();
    await lane?.settled();
    await sink.close();
  }
}

function laneOf(
  sink: Sink,
  held: PostgresOffset | null,
  config: Readonly<Record<string, string>>,
  failed: AbortController,
): Lane {
  const policy = kafkaSink.commitPolicy(config);
  return new Lane(
    sink,
    policy,
    held ?? offsetAt(0),
    failed.signal,
    () => {},
    (error) => failed.abort(error),
  );
}

function properties({ bootstrap, prefix, exactlyOnce }: Omit<Endurance, 'records' | 'onProgress'>) {
  return {
    'bootstrap.servers': bootstrap,
    'group.id': prefix,
    'offset.storage.topic': `${prefix}_offsets`,
    'offset.storage.partitions': '1',
    'key.converter': JSON_CONVERTER,
    'key.converter.schemas.enable': 'false',
    'value.converter': JSON_CONVERTER,
    'value.converter.schemas.enable': 'false',
    'producer.compression.type': 'zstd',
    'producer.compression.zstd.level': '1',
    'topic.creation.default.partitions': '6',
    'topic.creation.default.replication.factor': '1',
    ...(exactlyOnce ? { 'exactly.once.source.support': 'enabled' } : {}),
  };
}

function context(prefix: string): SinkContext {
  return {
    connector: 'endurance',
    task: 0,
    log: createLog(process.env['TEST_LOG'] ?? 'silent'),
    metrics: new TaskMetrics(),
    offsets: postgresOffsets(prefix, noSnapshot),
    epoch: 0,
    stateDir: '',
    memoryBytes: 64 * 1024 * 1024,
    forms: numberedForms(prefix),
    stored: null,
  };
}

function noSnapshot(): never {
  throw new Error('an offset of rows that were streamed has no snapshot in it');
}

/** How the rows are in their topic, by Java's own client. */
export async function checkNumbers({ bootstrap, prefix, records }: Endurance): Promise<Checked> {
  const { java, classPath } = await installKafka();
  const args = [bootstrap, `${prefix}.public.numbers`, String(records), String(KEYS)];
  const child = spawn(
    java,
    ['-Xmx512m', '--enable-native-access=ALL-UNNAMED', '-cp', classPath, PROGRAM, ...args],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const [out, [code]] = await Promise.all([text(child.stdout), once(child, 'close')]);
  if (code !== 0) throw new Error(`CheckNumbers ended with ${code}: ${out}`);
  return JSON.parse(out) as Checked;
}
