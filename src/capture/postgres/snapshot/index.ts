import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from 'pg';
import { failpoint } from '../../../base/failpoint.ts';
import type { Log } from '../../../base/log.ts';
import type { TaskMetrics } from '../../../base/metrics.ts';
import { type ChangeBatch, type Lease, MAY_EXIST, type TransactionMark } from '../../../record/batch.ts';
import { BatchBuilder } from '../../../record/builder.ts';
import type { Notification } from '../../../record/notification.ts';
import { BatchPool } from '../../../record/pool.ts';
import type { Notifications } from '../../notifications.ts';
import type { PostgresConfig } from '../config.ts';
import { postgresError } from '../failure.ts';
import type { Filters } from '../filters.ts';
import { formatLsn, LSN_NONE, type Lsn, parseLsn } from '../lsn.ts';
import type { InitialSnapshot, ReadSnapshot } from '../parts.ts';
import type { PostgresTable } from '../schema.ts';
import { quoteLiteral } from '../sql.ts';
import { SnapshotMark } from '../transaction.ts';
import type { Chunk } from './chunks.ts';
import { copyRows } from './copy.ts';
import { planTable, type TablePlan } from './plan.ts';
import { type KeyChunk, ReadProgress, type TableIdentity } from './progress.ts';
import { BatchQueue } from './queue.ts';
import { Told } from './told.ts';

export interface SnapshotOptions {
  readonly config: PostgresConfig;
  readonly filters: Filters;
  /** Captured tables, as `Tables.discover` gives them. */
  readonly tables: () => Promise<readonly PostgresTable[]>;
  readonly connect: (signal: AbortSignal) => Promise<Client>;
  /** L-6: a snapshot again; what the tables held before goes away with the commit at the end. */
  readonly replace: boolean;
  /** Who is to be told, null: nobody. */
  readonly notifications: Notifications | null;
  readonly log: Log;
  readonly metrics: TaskMetrics;
  readonly memoryBytes: number;
}

/** Reads all captured tables as of one moment, by `snapshot.max.threads` connections. */
export function snapshotReader(options: SnapshotOptions): ReadSnapshot {
  return async function* read(snapshot: InitialSnapshot): AsyncGenerator<ChangeBatch> {
    const delay = options.config['snapshot.delay.ms'];
    if (delay > 0) await sleep(delay, undefined, { signal: snapshot.signal });
    const reading = new SnapshotReading(options, snapshot);
    const finished = reading.run();
    try {
      yield* reading.queue;
    } finally {
      reading.stop();
      await finished;
    }
  };
}

const BATCH_BYTES_MAX = 4 * 1024 * 1024;
const BATCH_BYTES_MIN = 256 * 1024;

/** A table that is being read. */
interface OpenTable {
  readonly plan: TablePlan;
  readonly flags: number;
  /** Chunks handed to connections, and those of them that are not finished. */
  cut: number;
  inFlight: number;
  exhausted: boolean;
  /** In finished chunks. */
  rows: number;
}

interface Session {
  /** Of the snapshot all connections share. */
  readonly name: string;
  /** Every transaction in the snapshot has ended at or before this; for an exported one no other has. */
  readonly mayExistUntil: Lsn;
  readonly timestampMicros: number;
  /** The newest when the snapshot was taken, null on a standby. */
  readonly txId: number | null;
}

class SnapshotReading {
  readonly queue: BatchQueue;
  readonly #pool: BatchPool;
  readonly #options: SnapshotOptions;
  readonly #snapshot: InitialSnapshot;
  /** Ends all connections: when the consumer stops, and when one of them fails. */
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  readonly #threads: number;
  readonly #batchBytes: number;
  readonly #clients: Client[] = [];
  #progress: ReadProgress;
  #session: Session = { name: '', mayExistUntil: LSN_NONE, timestampMicros: 0, txId: null };
  #waiting: PostgresTable[] = [];
  /** Names for notifications: what is read, and what is captured. */
  #wanted: readonly string[] = [];
  #captured: readonly string[] = [];
  #open: OpenTable | null = null;
  /** Tables whose end has not come yet. */
  #unended = 0;
  /** Chunks are cut one at a time. */
  #cutting: Promise<unknown> = Promise.resolve();

  constructor(options: SnapshotOptions, snapshot: InitialSnapshot) {
    this.#options = options;
    this.#snapshot = snapshot;
    this.#signal = AbortSignal.any([snapshot.signal, this.#stop.signal]);
    // Of an incremental snapshot that was in progress nothing counts here: all is read anew.
    const { progress } = snapshot;
    this.#progress = progress instanceof ReadProgress ? progress : ReadProgress.begin(options.replace);
    this.#threads = options.config['snapshot.max.threads'];
    const share = Math.floor(options.memoryBytes / (8 * this.#threads));
    this.#batchBytes = Math.min(BATCH_BYTES_MAX, Math.max(BATCH_BYTES_MIN, share));
    this.queue = new BatchQueue(Math.floor(options.memoryBytes / 2));
    this.#pool = new BatchPool(Math.floor(options.memoryBytes / 4));
  }

  /** Never rejects: a failure comes out of the queue, behind what was read before it. */
  async run(): Promise<void> {
    try {
      await this.#read();
      this.queue.end();
    } catch (error) {
      const signal = this.#signal;
      const notifications = this.#options.notifications?.snapshot('ABORTED') ?? [];
      const told = notifications.length === 0 ? null : new Told(this.#snapshot.signal);
      if (told !== null) this.#tell(notifications, told);
      const reason = signal.aborted ? signal.reason : postgresError(error, 'the snapshot failed');
      this.queue.fail(reason, () => told?.accepted());
    }
    this.#stop.abort();
    await Promise.allSettled(this.#clients.map((client) => client.end()));
  }

  /** Whoever waits for room in the queue goes on and finds the signal. */
  stop(): void {
    this.#stop.abort();
    this.queue.discard();
  }

  async #read(): Promise<void> {
    this.#tell(this.#options.notifications?.snapshot('STARTED'));
    const leader = await this.#connect();
    this.#session = await this.#begin(leader);
    this.#waiting = await this.#tablesInOrder(leader);
    this.#unended = this.#waiting.length;
    const workers = [this.#work(leader)];
    for (let i = 1; i < this.#threads; i++) workers.push(this.#join());
    await Promise.all(workers);
    this.#emit(this.#emptyBuilder(), true, this.#options.notifications?.snapshot('COMPLETED'));
  }

  /** Behind what was read so far. Small: nobody waits for room. */
  #tell(notifications: readonly Notification[] = [], lease?: Lease): void {
    if (notifications.length === 0) return;
    const batch = { ...this.#emptyBuilder().finish(null), notifications };
    void this.queue.push(lease === undefined ? batch : { ...batch, lease });
  }

  /** With several threads Debezium tells of each chunk of a table. */
  get #ofChunks(): Notifications | null {
    return this.#threads > 1 ? this.#options.notifications : null;
  }

  async #connect(): Promise<Client> {
    const client = await this.#options.connect(this.#signal);
    this.#clients.push(client);
    return client;
  }

  async #join(): Promise<void> {
    const client = await this.#connect();
    await importSnapshot(client, this.#session.name);
    await this.#work(client);
  }

  /** Takes part in a slot's snapshot, or makes one. What the log repeats of it is marked (P-4). */
  async #begin(leader: Client): Promise<Session> {
    const { exportedSnapshot, consistentPoint } = this.#snapshot;
    await importSnapshot(leader, exportedSnapshot);
    const { rows } = await leader.query<{
      name: string;
      lsn: string;
      micros: string;
      xid: string | null;
    }>(
      `SELECT ${exportedSnapshot === null ? 'pg_catalog.pg_export_snapshot()' : quoteLiteral(exportedSnapshot)} AS name,
         CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn()
           ELSE pg_catalog.pg_current_wal_insert_lsn() END::text AS lsn,
         (extract(epoch FROM transaction_timestamp()) * 1000000)::int8 AS micros,
         CASE WHEN NOT pg_catalog.pg_is_in_recovery() THEN pg_catalog.txid_snapshot_xmax(pg_catalog.txid_current_snapshot()) - 1 END AS xid`,
    );
    const { name, lsn, micros, xid } = rows[0];
    const mayExistUntil = exportedSnapshot === null ? parseLsn(lsn) : consistentPoint;
    return { name, mayExistUntil, timestampMicros: Number(micros), txId: xid === null ? null : Number(xid) };
  }

  async #tablesInOrder(leader: Client): Promise<PostgresTable[]> {
    const { config, filters, tables, metrics } = this.#options;
    const place = ({ id }: PostgresTable) => filters.place(id.schema, id.table);
    const captured = (await tables()).toSorted((a, b) => place(a) - place(b));
    const wanted = captured.filter(({ id }) => filters.inSnapshot(id.schema, id.table));
    this.#wanted = wanted.map(({ name }) => name);
    this.#captured = captured
      .filter((table) => wanted.includes(table) || filters.isSignalTable(table.id.schema, table.id.table))
      .map(({ name }) => name);
    const sizes = await rowEstimates(leader, wanted);
    const isDone = (table: PostgresTable) => this.#progress.isDone(table.name, this.#identity(table));
    for (const table of wanted) {
      const metric = metrics.table(table.name);
      metric.rowsSnapshotTotal = sizes.get(table.oid) ?? -1;
      metric.snapshotDone = isDone(table);
    }
    const left = wanted.filter((table) => !isDone(table));
    const order = config['snapshot.tables.order.by.row.count'];
    if (order === 'disabled') return left;
    const sign = order === 'ascending' ? 1 : -1;
    return left.sort((a, b) => sign * ((sizes.get(a.oid) ?? 0) - (sizes.get(b.oid) ?? 0)));
  }

  async #work(client: Client): Promise<void> {
    for (;;) {
      const next = await this.#nextChunk(client);
      if (next === null) return;
      await this.#readChunk(client, next.open, next.chunk, next.index);
    }
  }

  /** The open table's next chunk, else the next table's first one. */
  #nextChunk(client: Client): Promise<{ open: OpenTable; chunk: Chunk; index: number } | null> {
    const next = this.#cutting.then(async () => {
      for (;;) {
        this.#signal.throwIfAborted();
        if (this.#open === null) {
          const table = this.#waiting.shift();
          if (table === undefined) return null;
          this.#open = await this.#openTable(client, table);
        }
        const open = this.#open;
        const chunk = await open.plan.chunks.next(client);
        if (chunk !== null) {
          open.inFlight++;
          return { open, chunk, index: open.cut++ };
        }
        open.exhausted = true;
        this.#open = null;
        await this.#endIfDone(open);
      }
    });
    // A failure ends this worker, which ends all; the next caller must not see it twice.
    this.#cutting = next.catch(() => {});
    return next;
  }

  async #openTable(client: Client, table: PostgresTable): Promise<OpenTable> {
    const { config, replace, log, metrics } = this.#options;
    const isBegun = this.#progress.isBegun(table.name, table.oid);
    const plan = await planTable(client, table, this.#progress, replace, this.#threads, config);
    metrics.table(table.name).rowsSnapshot = 0;
    log.info(
      { table: table.name, rowEstimate: plan.rowEstimate, resumable: plan.resumable, resumed: isBegun },
      'snapshot of a table begins',
    );
    const builder = this.#emptyBuilder();
    builder.mark(table, 'snapshot-start', !plan.resumable, { offset: this.#markOf(table, null).offset });
    const notifications = this.#options.notifications?.tableBegins(table.name, this.#wanted) ?? [];
    await this.queue.push({ ...builder.finish(null), notifications });
    return { plan, flags: isBegun ? MAY_EXIST : 0, cut: 0, inFlight: 0, exhausted: false, rows: 0 };
  }

  async #readChunk(client: Client, open: OpenTable, chunk: Chunk, index: number): Promise<void> {
    const { table, chunks } = open.plan;
    const place = () => ({ index, total: Math.max(open.cut, chunks.expected) });
    this.#tell(this.#ofChunks?.tableChunkBegins(table.name, place(), open.rows));
    try {
      open.rows += await this.#copyChunk(client, open, chunk);
    } catch (error) {
      if (!this.#signal.aborted) this.#tell(this.#options.notifications?.tableFailed(table.name));
      throw error;
    }
    this.#tell(this.#ofChunks?.tableChunkRead(table.name, place(), this.#captured));
    failpoint('snapshot.chunk-read');
    open.inFlight--;
    await this.#endIfDone(open);
  }

  /** Answers how many rows there were. */
  async #copyChunk(client: Client, open: OpenTable, chunk: Chunk): Promise<number> {
    const { plan } = open;
    const { table } = plan;
    await client.query(`SET LOCAL enable_seqscan = ${chunk.byIndex ? 'off' : 'on'}`);
    const metric = this.#options.metrics.table(table.name);
    let bytes = 0;
    const rows = await copyRows(client, chunk.query, {
      columns: table.columns.length,
      row: { table, mark: this.#markOf(table, chunk.key), flags: open.flags },
      batchBytes: this.#batchBytes,
      pool: this.#pool,
      signal: this.#signal,
      emit: (builder, done) => {
        bytes += builder.byteLength;
        metric.rowsSnapshot += builder.rowCount;
        this.#options.metrics.bytesRead += builder.byteLength;
        if (!done) return this.queue.push(builder.finish(null));
        if (chunk.key !== null) this.#progress = this.#withChunk(this.#progress, table, chunk.key);
        return this.#emit(builder, false);
      },
    });
    plan.chunks.observe(chunk, rows, bytes);
    return rows;
  }

  async #endIfDone(open: OpenTable): Promise<void> {
    if (!open.exhausted || open.inFlight > 0) return;
    const { table, resumable } = open.plan;
    this.#progress = this.#progress.withTable(table.name, this.#identity(table));
    const builder = this.#emptyBuilder();
    const { offset } = this.#markOf(table, null);
    builder.mark(table, 'snapshot-end', !resumable, { offset, last: --this.#unended === 0 });
    const metric = this.#options.metrics.table(table.name);
    metric.snapshotDone = true;
    this.#options.log.info({ table: table.name, rows: metric.rowsSnapshot }, 'snapshot of a table ends');
    const { notifications } = this.#options;
    await this.#emit(
      builder,
      false,
      notifications?.tableRead(table.name, metric.rowsSnapshot, this.#captured),
    );
    failpoint('snapshot.table-read');
  }

  /** Everything pushed so far, the builder's content included, is what the offset covers. */
  #emit(
    builder: BatchBuilder,
    last: boolean,
    notifications: readonly Notification[] = [],
  ): Promise<void> | null {
    const { mayExistUntil, timestampMicros } = this.#session;
    const progress = last ? null : this.#progress;
    const offset = this.#snapshot.offset(progress, mayExistUntil, timestampMicros);
    return this.queue.push({ ...builder.finish(offset), notifications });
  }

  /** A chunk's own offset says no more than the chunk: others may have been durable before or after it. */
  #markOf(table: PostgresTable, key: KeyChunk | null): TransactionMark {
    const { mayExistUntil, timestampMicros, txId } = this.#session;
    const progress =
      key === null
        ? ReadProgress.none.withTable(table.name, this.#identity(table))
        : this.#withChunk(ReadProgress.none, table, key);
    const offset = this.#snapshot.offset(progress, mayExistUntil, timestampMicros);
    return new SnapshotMark(offset, timestampMicros, txId);
  }

  #withChunk(progress: ReadProgress, { name, oid }: PostgresTable, key: KeyChunk): ReadProgress {
    return progress.withChunk(name, oid, key, formatLsn(this.#session.mayExistUntil));
  }

  #identity({ oid, keyColumns }: PostgresTable): TableIdentity {
    return keyColumns.length > 0 ? oid : `${oid}@${this.#session.mayExistUntil}`;
  }

  #emptyBuilder(): BatchBuilder {
    return new BatchBuilder(0, 0, 0);
  }
}

/** Texts of keys must come back as they went out, whatever the server's defaults are. */
async function importSnapshot(client: Client, name: string | null): Promise<void> {
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  if (name !== null) await client.query(`SET TRANSACTION SNAPSHOT ${quoteLiteral(name)}`);
  await client.query(
    `SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL lock_timeout = 0;
     SET LOCAL datestyle = 'ISO'; SET LOCAL intervalstyle = 'postgres'; SET LOCAL extra_float_digits = 1;
     SET LOCAL max_parallel_workers_per_gather = 0; SET LOCAL synchronize_seqscans = off`,
  );
}

async function rowEstimates(client: Client, tables: readonly PostgresTable[]): Promise<Map<number, number>> {
  const { rows } = await client.query<{ oid: string; rows: number }>(
    `SELECT c.oid::int8 AS oid, CASE WHEN c.relkind = 'p' THEN (
         SELECT coalesce(sum(greatest(l.reltuples, 0)), -1) FROM pg_catalog.pg_partition_tree(c.oid) t
         JOIN pg_catalog.pg_class l ON l.oid = t.relid WHERE t.isleaf
       ) ELSE c.reltuples END::float8 AS rows
     FROM pg_catalog.pg_class c WHERE c.oid = ANY($1::oid[])`,
    [tables.map(({ oid }) => oid)],
  );
  return new Map(rows.map(({ oid, rows: estimate }) => [Number(oid), estimate]));
}
