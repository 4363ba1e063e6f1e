import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay, setImmediate as tick } from 'node:timers/promises';
import fc from 'fast-check';
import { type ErrorCode, IcestreamError } from '../../src/base/errors.ts';
import { createLog } from '../../src/base/log.ts';
import type { SinkMetrics } from '../../src/base/metrics.ts';
import { postgresMarks } from '../../src/capture/postgres/mark-codec.ts';
import { PostgresOffset, postgresOffsets } from '../../src/capture/postgres/offset.ts';
import { parseProgress } from '../../src/capture/postgres/snapshot/incremental-progress.ts';
import { Transaction } from '../../src/capture/postgres/transaction.ts';
import type { Source } from '../../src/capture/source.ts';
import { type ChangeBatch, Op } from '../../src/record/batch.ts';
import { BatchCodec } from '../../src/record/batch-codec.ts';
import { BatchBuilder } from '../../src/record/builder.ts';
import type { Offset } from '../../src/record/offset.ts';
import { Backlog } from '../../src/runtime/backlog.ts';
import { BatchSpool } from '../../src/runtime/batch-spool.ts';
import { Gate } from '../../src/runtime/gate.ts';
import type { PipelineSink } from '../../src/runtime/opening.ts';
import { runPipeline } from '../../src/runtime/pipeline.ts';
import { SinkHealth } from '../../src/runtime/sink-health.ts';
import type { Sink } from '../../src/sink/sink.ts';
import { readImage, textTable } from '../sink/iceberg/rows.ts';

const offsets = postgresOffsets('p', parseProgress);
const marks = postgresMarks(offsets);
const table = textTable(['id'], ['id']);
const base = new PostgresOffset({
  epoch: 0,
  lsn: 0n,
  txId: null,
  timestampMicros: 1,
  initialSnapshot: false,
  progress: null,
  mayExistUntil: 0n,
});
const never = new AbortController().signal;

/** A log of transactions of one row each; n ends at 10 n. It is read to its end and then waited at, or finished with. */
class Log implements Source {
  readonly offsets = offsets;
  readonly marks = marks;
  readonly #length: number;
  readonly #ends: boolean;
  readonly readFrom: number[] = [];
  acknowledged = 0;

  constructor(length: number, ends: boolean) {
    this.#length = length;
    this.#ends = ends;
  }

  async *read(from: Offset | null, signal: AbortSignal): AsyncGenerator<ChangeBatch> {
    const start = from === null ? 0 : numberOf(from);
    this.readFrom.push(start);
    for (let n = start + 1; n <= this.#length && !signal.aborted; n++) {
      await tick();
      yield rowBatch(n);
    }
    if (this.#ends || signal.aborted) return;
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  }

  ack(offset: Offset): void {
    this.acknowledged = numberOf(offset);
  }

  async close(): Promise<void> {}
}

function rowBatch(n: number): ChangeBatch {
  const transaction = new Transaction(base, n, 1, BigInt(n * 10 - 1));
  const builder = new BatchBuilder(16, 4, 2);
  builder.transaction(transaction);
  const bytes = Buffer.from(String(n));
  builder.cell(builder.append(bytes, 0, bytes.length), bytes.length);
  builder.row(table, Op.create, 0, -1, 0, 0, 5);
  return builder.finish(transaction.offset);
}

function numberOf(offset: Offset): number {
  return Number((offset as PostgresOffset).lsn / 10n);
}

type Fault = 'none' | 'waits' | 'open' | 'write' | 'before the commit' | 'after the commit';

/** What one sink keeps, whatever becomes of its instances: rows and offset in one step. */
class Kept {
  readonly name: string;
  readonly rows: number[] = [];
  offset: Offset | null;
  /** What the next instances meet, one each; then none. */
  readonly faults: Fault[];
  code: ErrorCode = 'storage.unreachable';
  opened = 0;
  alive = 0;
  onCommit = (): void => {};

  constructor(name: string, faults: readonly Fault[] = [], offset: Offset | null = base) {
    this.name = name;
    this.faults = [...faults];
    this.offset = offset;
  }

  instance(): Sink {
    const fault = this.faults.shift() ?? 'none';
    let pending: number[] = [];
    const meet = (where: Fault) => {
      if (fault === where) throw new IcestreamError(this.code, `${this.name} failed in ${where}`);
    };
    return {
      needsSnapshot: [],
      open: async (signal) => {
        assert.equal(this.alive++, 0, 'O-6 one instance at a time');
        await tick();
        if (fault === 'waits') await delay(60_000, undefined, { signal });
        meet('open');
        this.opened++;
        return this.offset;
      },
      needsCommitBefore: () => false,
      write: async (batch) => {
        await tick();
        meet('write');
        for (let row = 0; row < batch.rowCount; row++) {
          pending.push(Number(readImage(batch, batch.after[row]!, 1)[0]));
        }
      },
      get pending() {
        return { memoryBytes: 0, bytes: 0, rows: pending.length, full: false };
      },
      commit: async (offset) => {
        const rows = pending;
        pending = [];
        await tick();
        meet('before the commit');
        this.rows.push(...rows);
        this.offset = offset;
        meet('after the commit');
        this.onCommit();
        return offset;
      },
      close: async () => {
        // One that has failed takes longer to close than it is to wait.
        if (fault !== 'none') await delay(20);
        this.alive--;
      },
    };
  }
}

interface Run {
  readonly log: Log;
  readonly states: Map<string, SinkMetrics>;
  readonly ended: Promise<void>;
}

interface RunOptions {
  readonly kept: readonly Kept[];
  readonly stored?: Offset | null;
  readonly length: number;
  /** The source ends, and with it the run. */
  readonly ends?: boolean;
  readonly stop?: AbortSignal;
  readonly retriesMax?: number;
  readonly spoolBytesMax?: number;
}

async function run(t: TestContext, options: RunOptions): Promise<Run> {
  const { kept, stored = base, length, ends = true, stop = never, retriesMax = -1 } = options;
  const folder = await mkdtemp(join(tmpdir(), 'icestream-pipeline-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const states = new Map<string, SinkMetrics>();
  const quiet = createLog('silent');
  const sinks = kept.map((it): PipelineSink => {
    const policy = { retriesMax, delayMs: 1, delayMsMax: 2 };
    const health = new SinkHealth(it.name, policy, quiet, (state) => states.set(it.name, state));
    const backlog = async () => {
      const spool = new BatchSpool(join(folder, it.name), new BatchCodec(offsets, marks));
      await spool.clear();
      const spoolBytesMax = options.spoolBytesMax ?? 1e9;
      const onState = health.waiting.bind(health);
      return new Backlog({ memoryBytes: 1, graceMs: 1, spool, spoolBytesMax, onState });
    };
    const beside = kept.length > 1 ? { health, backlog } : null;
    return { create: async () => it.instance(), policy: { intervalMs: 1, bytes: 1e9, rows: 3 }, beside };
  });
  const log = new Log(length, ends);
  const pipeline = { source: log, sinks, stored, gate: new Gate(false), log: quiet };
  const ended = runPipeline({ ...pipeline, onDurable() {}, onRunning() {} }, stop, never);
  ended.catch(() => {}); // Each test looks at it.
  return { log, states, ended };
}

const upTo = (length: number) => Array.from({ length }, (_, i) => i + 1);

test('S-1 O-4 sinks that fail anywhere, and again and again, have every row once, in order', async (t) => {
  const fault = fc.constantFrom<Fault>('open', 'write', 'before the commit', 'after the commit');
  const faults = fc.array(fault, { maxLength: 4 });
  const property = fc.asyncProperty(faults, fc.nat(30), async (some, ahead) => {
    const offset = base.with({ lsn: BigInt(ahead * 10) });
    const kept = [new Kept('one', some), new Kept('two', [], offset)];
    const { log, ended } = await run(t, { kept, length: 40 });
    await ended;
    assert.deepEqual(kept[0]!.rows, upTo(40));
    assert.deepEqual(kept[1]!.rows, upTo(40).slice(ahead));
    assert.equal(log.acknowledged, 40);
    assert.ok(kept.every(({ alive }) => alive === 0));
  });
  await fc.assert(property, { interruptAfterTimeLimit: 3000, numRuns: 60 });
});

test('S-1 the others go on while a sink cannot be opened, and it is named with its error', async (t) => {
  const stop = new AbortController();
  const away = new Kept('away', new Array<Fault>(1e6).fill('open'));
  const kept = [away, new Kept('there')];
  const options = { kept, length: 50, ends: false, stop: stop.signal };
  const { log, states, ended } = await run(t, options);
  while (kept[1]!.rows.length < 50) await tick();
  assert.ok(states.get('away')!.isAway && !states.get('there')!.isAway);
  assert.match(states.get('away')!.error!, /^storage\.unreachable: away failed in open$/);
  assert.ok(states.get('away')!.spooledBytes > 0);
  assert.equal(log.acknowledged, 0, 'the database forgets nothing that a sink lacks');
  away.faults.length = 0;
  while (away.rows.length < 50) await tick();
  assert.deepEqual(away.rows, upTo(50));
  assert.deepEqual(log.readFrom, [0], 'what came meanwhile has waited');
  assert.deepEqual(states.get('away'), { spooledBytes: 0, stalls: false, isAway: false, error: null });
  stop.abort();
  await ended;
});

test('S-1 when what waits for a sink that is away fills the spool everything waits, and it is said for whom', async (t) => {
  const away = new Kept('away', new Array<Fault>(1e6).fill('open'));
  const there = new Kept('there');
  const { states, ended } = await run(t, { kept: [away, there], length: 50, spoolBytesMax: 2000 });
  while (!states.get('away')?.stalls) await tick();
  const { isAway, error } = states.get('away')!;
  assert.ok(isAway && error !== null);
  assert.ok(there.rows.length < 50);
  away.faults.length = 0;
  await ended;
  assert.deepEqual([away.rows, there.rows], [upTo(50), upTo(50)]);
});

test('S-1 a sink that opens and fails for ever does not keep the others from what is new', {
  timeout: 50_000,
}, async (t) => {
  const stop = new AbortController();
  const failing = new Kept('failing', new Array<Fault>(1e6).fill('write'));
  const there = new Kept('there');
  const { log, ended } = await run(t, {
    kept: [failing, there],
    length: 120,
    ends: false,
    stop: stop.signal,
  });
  while (there.rows.length < 120) await tick();
  stop.abort();
  await ended;
  assert.deepEqual(there.rows, upTo(120));
  assert.deepEqual(failing.rows, []);
  assert.ok(log.readFrom.length > 2);
});

test('S-1 a sink is not waited for at a stop while it is away', async (t) => {
  const stop = new AbortController();
  const kept = [new Kept('away', new Array<Fault>(1e6).fill('open')), new Kept('there')];
  kept[1]!.onCommit = () => stop.abort();
  const { ended } = await run(t, { kept, length: 50, ends: false, stop: stop.signal });
  await ended;
  assert.ok(kept.every(({ alive }) => alive === 0));
});

test('S-1 a sink that has failed is opened again while another one waits to be', async (t) => {
  const stop = new AbortController();
  const kept = [new Kept('waits', ['none', 'waits']), new Kept('failed', ['write'])];
  const { states, ended } = await run(t, { kept, length: 50, ends: false, stop: stop.signal });
  while (kept[1]!.rows.length < 50) await tick();
  assert.deepEqual(kept[1]!.rows, upTo(50));
  assert.ok(states.get('waits')!.isAway);
  stop.abort();
  await ended;
});

test('what does not pass fails the task, beside others too', async (t) => {
  for (const where of ['open', 'write', 'before the commit'] as const) {
    const broken = new Kept('broken', [where]);
    broken.code = 'storage.refused';
    const { ended } = await run(t, { kept: [broken, new Kept('there')], length: 50 });
    await assert.rejects(ended, { code: 'storage.refused' }, where);
  }
});

test('errors.max.retries ends the trying of one sink, for good', async (t) => {
  const away = new Kept('away', new Array<Fault>(1e6).fill('open'));
  const { ended } = await run(t, { kept: [away, new Kept('there')], length: 50, retriesMax: 3 });
  await assert.rejects(ended, { code: 'storage.unreachable', retry: 'operator' });
  assert.equal(1e6 - away.faults.length, 4);
});

test('a sink alone fails the task, and one of several where nothing is known of what they have', async (t) => {
  for (const fault of ['open', 'write'] as const) {
    const alone = await run(t, { kept: [new Kept('alone', [fault])], length: 50 });
    await assert.rejects(alone.ended, { code: 'storage.unreachable', retry: 'backoff' });
    const first = new Kept('first', [fault], null);
    const both = await run(t, { kept: [first, new Kept('there', [], null)], length: 50, stored: null });
    await assert.rejects(both.ended, { code: 'storage.unreachable', retry: 'backoff' });
  }
});

test('S-1 a sink that has less than the store said, when it is open at last, has it read again', async (t) => {
  const stored = base.with({ lsn: 200n });
  const late = new Kept('late', ['open'], base);
  const there = new Kept('there', [], stored);
  const { log, ended } = await run(t, { kept: [late, there], length: 50, stored });
  await ended;
  assert.deepEqual(log.readFrom, [20, 0]);
  assert.deepEqual([late.rows, there.rows], [upTo(50), upTo(50).slice(20)]);
});
