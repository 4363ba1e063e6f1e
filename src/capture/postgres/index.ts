import type { Client } from 'pg';
import { IcestreamError } from '../../base/errors.ts';
import type { ChangeBatch } from '../../record/batch.ts';
import type { MarkCodec } from '../../record/batch-codec.ts';
import { BatchBuilder } from '../../record/builder.ts';
import type { EventForms } from '../../record/event.ts';
import type { Offset, OffsetCodec } from '../../record/offset.ts';
import { Notifications } from '../notifications.ts';
import type { ConnectorConfig, Reread, Source, SourceContext, SourceDefinition } from '../source.ts';
import { backfillReason, isAnotherTable } from './backfill.ts';
import { isPostgresProperty, type PostgresConfig, parsePostgresConfig } from './config.ts';
import { type ConnectOptions, connect } from './connection.ts';
import { PostgresForms } from './events/index.ts';
import { createFilters, type Filters } from './filters.ts';
import { LSN_NONE, type Lsn, maxLsn } from './lsn.ts';
import { postgresMarks } from './mark-codec.ts';
import { type PostgresOffset, postgresOffsets } from './offset.ts';
import type { InitialSnapshot, Interleave } from './parts.ts';
import { holdSnapshot, type Prepared, prepare } from './prepare.ts';
import { queryPostgres } from './query.ts';
import type { PostgresTable } from './schema.ts';
import { checkServer, readServer, type ServerFacts } from './server.ts';
import { openSession, wait } from './session.ts';
import { connectOptions, hasEvents, hasLake, idColumns } from './settings.ts';
import { dropSlot } from './slot.ts';
import { IncrementalSnapshots } from './snapshot/incremental.ts';
import { IncrementalProgress, parseProgress } from './snapshot/incremental-progress.ts';
import { snapshotReader } from './snapshot/index.ts';
import { ReadProgress } from './snapshot/progress.ts';
import { fileSignals, isOwnSignal, type Signal, snapshotSignal } from './snapshot/signals.ts';
import { type KafkaSignalOptions, kafkaSignalOptions, kafkaSignals } from './snapshot/signals-kafka.ts';
import { decideSnapshot, readsData } from './snapshot-mode.ts';
import type { ChangeStream } from './stream.ts';
import { Tables } from './tables.ts';
import { validatePostgres } from './validate.ts';

/** `io.debezium.connector.postgresql.PostgresConnector`. */
export const postgresSource: SourceDefinition = {
  accepts: isPostgresProperty,
  async create(raw, context) {
    const { config, errors, warnings } = parsePostgresConfig(raw);
    for (const warning of warnings) context.log.warn({ warning }, 'configuration');
    for (const [property, reasons] of errors) {
      throw new IcestreamError('config.invalid', `The '${property}' value is invalid: ${reasons[0]}`, {
        context: { property },
      });
    }
    return new PostgresSource(raw, config, context);
  },
  validate: validatePostgres,
  query: queryPostgres,
};

class PostgresSource implements Source {
  readonly offsets: OffsetCodec;
  readonly marks: MarkCodec;
  readonly events: EventForms;
  readonly #raw: ConnectorConfig;
  readonly #config: PostgresConfig;
  readonly #context: SourceContext;
  readonly #connection: ConnectOptions;
  readonly #filters: Filters;
  readonly #notifications: Notifications | null;
  /** With `kafka` among `signal.enabled.channels`. */
  readonly #kafkaSignals: KafkaSignalOptions | null;
  #stream: ChangeStream | null = null;
  #acknowledged: Lsn = LSN_NONE;
  #incremental: IncrementalSnapshots | null = null;
  /** Signals that came before the stream began. */
  #early: Signal[] = [];
  /** Channels that signals come by, until they have ended. */
  #following: Promise<void>[] = [];

  constructor(raw: ConnectorConfig, config: PostgresConfig, context: SourceContext) {
    this.#raw = raw;
    this.#config = config;
    this.#context = context;
    this.#connection = connectOptions(config, context.connector);
    this.#filters = createFilters(config);
    const channels = config['notification.enabled.channels'];
    this.#notifications = Notifications.open(channels, config['topic.prefix'], context.log);
    const byKafka = config['signal.enabled.channels'].includes('kafka');
    this.#kafkaSignals = byKafka ? kafkaSignalOptions(config, raw, context.log) : null;
    this.events = new PostgresForms(config);
    this.offsets = postgresOffsets(config['topic.prefix'], parseProgress);
    this.marks = postgresMarks(this.offsets);
  }

  async *read(from: Offset | null, signal: AbortSignal): AsyncGenerator<ChangeBatch> {
    const { metrics } = this.#context;
    const client = await connect(this.#connection, signal);
    const tables = this.#tables(signal);
    try {
      const server = await readServer(client);
      checkServer(server);
      metrics.connected = true;
      yield* this.#run(client, server, tables, from as PostgresOffset | null, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      metrics.connected = false;
      await tables.close();
      await client.end().catch(() => {});
    }
  }

  ack(offset: Offset): void {
    if (this.#config['lsn.flush.mode'] === 'manual') return;
    this.#acknowledged = maxLsn(this.#acknowledged, (offset as PostgresOffset).lsn);
    this.#stream?.acknowledge(this.#acknowledged);
  }

  signal(id: string, type: string, data: string): void {
    if (this.#incremental === null) this.#early.push({ id, type, data });
    else this.#incremental.signal({ id, type, data });
  }

  reread(tables: readonly string[], how: Reread): void {
    if (tables.length === 0) return;
    const { id, type, data } = snapshotSignal(tables, how);
    this.signal(id, type, data);
  }

  async close(): Promise<void> {
    if (!this.#config['slot.drop.on.stop']) return;
    const client = await connect(this.#connection);
    try {
      await dropSlot(client, this.#config['slot.name']);
    } finally {
      await client.end();
    }
  }

  /** Snapshot, then stream, as `snapshot.mode` and what was made durable say. */
  async *#run(
    client: Client,
    server: ServerFacts,
    tables: Tables,
    from: PostgresOffset | null,
    signal: AbortSignal,
  ): AsyncGenerator<ChangeBatch> {
    const config = this.#config;
    const decision = decideSnapshot(config, from);
    if (!decision.snapshot && !decision.stream) return;
    const epoch = this.#context.offsetEpoch ?? 0;
    const { log } = this.#context;
    const connection = this.#connection;
    const prepared = await prepare(
      { client, server, config, connection, tables, from, decision, epoch, log },
      signal,
    );
    let at = prepared.start;
    if (prepared.snapshot) {
      const replace = replaces(from, at);
      // Every table is about to be read; what was asked for before has come true with that.
      if (replace) this.#early = this.#early.filter((signal) => !isOwnSignal(signal));
      for await (const batch of this.#readSnapshot(prepared, tables, replace, signal)) {
        if (batch.offset !== null) at = batch.offset as PostgresOffset;
        yield batch;
      }
    } else {
      this.#context.metrics.snapshotSkipped = true;
      const notifications = this.#notifications?.snapshot('SKIPPED') ?? [];
      if (notifications.length > 0) yield { ...new BatchBuilder(0, 0, 0).finish(at), notifications };
    }
    if (!decision.stream || signal.aborted) return;
    if (!prepared.snapshot && readsData(config)) yield await present(at, tables, this.#filters);
    if (prepared.snapshot) await wait(config['streaming.delay.ms'], signal);
    yield* this.#readBeside(at, server, tables, signal);
  }

  async *#readSnapshot(
    prepared: Prepared,
    tables: Tables,
    replace: boolean,
    signal: AbortSignal,
  ): AsyncGenerator<ChangeBatch> {
    const { start, exportedSnapshot, snapshotPoint, holder } = prepared;
    const snapshot: InitialSnapshot = {
      exportedSnapshot,
      consistentPoint: snapshotPoint,
      progress: start.progress,
      offset: (progress, mayExistUntil, timestampMicros) =>
        start.with({ progress, mayExistUntil, timestampMicros, initialSnapshot: progress !== null }),
      signal,
    };
    const { log, metrics, memoryBytes } = this.#context;
    const read = snapshotReader({
      config: this.#config,
      filters: this.#filters,
      tables: () => tables.discover(),
      connect: (stop) => connect(this.#connection, stop),
      replace,
      notifications: this.#notifications,
      log,
      metrics,
      memoryBytes,
    });
    metrics.snapshotRunning = true;
    metrics.snapshotStartedMillis = Date.now();
    try {
      yield* read(snapshot);
      metrics.snapshotCompleted = !signal.aborted;
    } finally {
      metrics.snapshotRunning = false;
      metrics.snapshotAborted = !metrics.snapshotCompleted;
      metrics.snapshotEndedMillis = Date.now();
      await holder?.end().catch(() => {});
    }
  }

  /** The stream with signals and incremental snapshots beside it; a standby cannot write their watermarks. */
  async *#readBeside(
    from: PostgresOffset,
    server: ServerFacts,
    tables: Tables,
    signal: AbortSignal,
  ): AsyncGenerator<ChangeBatch> {
    if (server.inRecovery) {
      for (const { id, type } of this.#early) {
        this.#context.log.warn({ id, type }, 'a standby cannot take signals or read tables again');
      }
      yield* this.#readStream(from, server, tables, null, signal);
      return;
    }
    const failed = new AbortController();
    const stop = AbortSignal.any([signal, failed.signal]);
    const fail = (error: unknown) => failed.abort(error);
    const incremental = this.#startIncremental(from, server, tables, stop, fail);
    try {
      yield* this.#readStream(from, server, tables, incremental, stop);
      failed.signal.throwIfAborted();
    } finally {
      this.#incremental = null;
      failed.abort();
      await Promise.all(this.#following.splice(0));
      await incremental.close();
    }
  }

  #startIncremental(
    from: PostgresOffset,
    server: ServerFacts,
    tables: Tables,
    signal: AbortSignal,
    onError: (error: unknown) => void,
  ): IncrementalSnapshots {
    const config = this.#config;
    const { log, metrics, memoryBytes } = this.#context;
    const incremental = new IncrementalSnapshots({
      config,
      filters: this.#filters,
      connect: (stop) => connect(this.#connection, stop),
      readable: () => tables.readable(),
      find: (name) => tables.find(name),
      streamedAs: (table) => tables.streamedAs(table),
      current: (oid) => tables.streamed(oid),
      progress: from.progress instanceof IncrementalProgress ? from.progress : null,
      hold: (stop) => holdSnapshot({ connection: this.#connection, config, server, log }, stop),
      replaced: (table) => tables.wasRead(table),
      notifications: this.#notifications,
      log,
      metrics,
      memoryBytes,
      signal,
      onError,
    });
    this.#incremental = incremental;
    for (const early of this.#early.splice(0)) incremental.signal(early);
    if (config['signal.enabled.channels'].includes('file')) {
      const [path, intervalMs] = [config['signal.file'], config['signal.poll.interval.ms']];
      this.#following.push(follow(fileSignals(path, intervalMs, log, signal), incremental).catch(onError));
    }
    if (this.#kafkaSignals !== null) {
      const received = kafkaSignals(this.#kafkaSignals, log, signal);
      this.#following.push(follow(received, incremental).catch(onError));
    }
    return incremental;
  }

  /** P-3: what the log does not tell of existing rows is read beside the stream. */
  #tableChanged(previous: PostgresTable, table: PostgresTable): void {
    const { log, metrics } = this.#context;
    const reason = backfillReason(previous, table);
    log.info({ table: table.name, version: table.version, backfill: reason }, 'table has changed');
    // A lake alone has the older rows; Debezium's events say nothing of them either.
    if (reason === null || !hasLake(this.#raw)) return;
    const metric = metrics.table(table.name);
    metric.state = 'stale';
    metric.reason = reason;
    this.reread([table.name], isAnotherTable(previous, table) ? 'replace' : 'beside');
  }

  async *#readStream(
    from: PostgresOffset,
    server: ServerFacts,
    tables: Tables,
    interleave: Interleave | null,
    signal: AbortSignal,
  ): AsyncGenerator<ChangeBatch> {
    const session = await openSession(
      {
        config: this.#config,
        context: this.#context,
        connection: this.#connection,
        server,
        filters: this.#filters,
        catalog: tables,
        interleave,
        from,
      },
      signal,
    );
    this.#stream = session.stream;
    session.stream.acknowledge(this.#acknowledged);
    try {
      for (;;) {
        const batch = await session.stream.next(signal);
        if (batch === null) return;
        yield batch;
      }
    } finally {
      this.#stream = null;
      await session.close();
    }
  }

  #tables(signal: AbortSignal): Tables {
    return new Tables({
      config: this.#config,
      filters: this.#filters,
      connect: (stop) => connect(this.#connection, stop),
      keyOverride: (table) => idColumns(this.#raw, table),
      lake: hasLake(this.#raw),
      events: hasEvents(this.#raw),
      log: this.#context.log,
      signal,
      onVersion: (previous, table) => this.#tableChanged(previous, table),
    });
  }
}

async function follow(signals: AsyncIterable<Signal>, incremental: IncrementalSnapshots): Promise<void> {
  for await (const received of signals) incremental.signal(received);
}

/**
 * Tells the sinks of all tables whose rows a snapshot would have read, so that they can ask for what they lack (P-3,
 * L-12): rows of before that no event of the log tells of.
 */
async function present(from: PostgresOffset, tables: Tables, filters: Filters): Promise<ChangeBatch> {
  const builder = new BatchBuilder(0, 0, 0);
  for (const table of await tables.present()) {
    if (filters.inSnapshot(table.id.schema, table.id.table)) builder.mark(table, 'present', false);
  }
  return builder.finish(from);
}

/** L-6: what is there already goes away with the new content, also when a snapshot that was to do so is gone on with. */
function replaces(from: PostgresOffset | null, start: PostgresOffset): boolean {
  if (from === null) return false;
  if (!from.initialSnapshot) return true;
  // The slot was lost in the middle: what was read until then is of another place in the log.
  if (start.progress === null) return from.progress !== null;
  return from.progress instanceof ReadProgress && from.progress.replacing;
}
