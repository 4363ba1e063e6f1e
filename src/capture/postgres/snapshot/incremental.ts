import { randomUUID } from 'node:crypto';
import type { Client } from 'pg';
import type { Log } from '../../../base/log.ts';
import type { TaskMetrics } from '../../../base/metrics.ts';
import { type ChangeBatch, Op } from '../../../record/batch.ts';
import type { TableSchema } from '../../../record/table.ts';
import type { Notifications } from '../../notifications.ts';
import type { PostgresConfig } from '../config.ts';
import { postgresError } from '../failure.ts';
import type { Filters } from '../filters.ts';
import type { Lsn } from '../lsn.ts';
import type { PostgresOffset } from '../offset.ts';
import type { Interleave, SnapshotProgress } from '../parts.ts';
import type { PostgresTable } from '../schema.ts';
import type { ReadableTable } from '../tables.ts';
import { type Transaction, WindowMark } from '../transaction.ts';
import { Agenda } from './agenda.ts';
import { ChunkRows } from './chunk-rows.ts';
import { IncrementalNotifications } from './incremental-notifications.ts';
import type { IncrementalProgress, PendingTable } from './incremental-progress.ts';
import { keyText } from './keys.ts';
import { empty, newWindow, type Window } from './open-window.ts';
import { RecentXids } from './recent-xids.ts';
import { Replacement, type ReplacementOptions } from './replacement.ts';
import { resolveRequests, wholesIn } from './requests.ts';
import { isOwnSignal, type Order, orderOf, type Signal, signalOfRow } from './signals.ts';
import {
  MESSAGE_PREFIX,
  messageWatermarks,
  parseWatermark,
  signalTableWatermarks,
  type WatermarkKind,
  type Watermarks,
  watermarkOfRow,
} from './watermarks.ts';
import { chunkKey, readEmpty, readWindow, withoutChanged } from './window.ts';

export interface IncrementalOptions {
  readonly config: PostgresConfig;
  readonly filters: Filters;
  readonly connect: (signal: AbortSignal) => Promise<Client>;
  /** What can be named to be read. */
  readonly readable: () => Promise<readonly ReadableTable[]>;
  /** One of these as it is now, null when it is gone. */
  readonly find: (name: string) => Promise<PostgresTable | null>;
  /** What its rows are rows of in the stream: a part's may be the whole's. */
  readonly streamedAs: (table: PostgresTable) => PostgresTable;
  /** What the stream knows of the table, to see that a chunk was read in the same version; null: not met yet. */
  readonly current: (oid: number) => PostgresTable | null;
  readonly progress: IncrementalProgress | null;
  readonly hold: ReplacementOptions['hold'];
  /** The whole table was read in this version: what was known of it before says nothing any more. */
  readonly replaced: (table: PostgresTable) => void;
  /** Who is to be told, null: nobody. */
  readonly notifications: Notifications | null;
  readonly log: Log;
  readonly metrics: TaskMetrics;
  readonly memoryBytes: number;
  /** Ends everything that runs beside the stream. */
  readonly signal: AbortSignal;
  /** A failure beside the stream, which must end the stream, too. */
  readonly onError: (error: unknown) => void;
}

/**
 * Signals, and incremental snapshots beside the stream (DBLog, https://arxiv.org/abs/2010.12597): a low watermark, a
 * chunk by key, a high watermark; rows that the log changed in between are dropped from the chunk, since the log's are
 * newer, and the rest takes the chunk's place in the log at the high watermark.
 *
 * A transaction's commit can be read from the log before it is visible to queries. One that came before the low
 * watermark and was invisible to the chunk would be undone by it, so such a chunk is read again.
 */
export class IncrementalSnapshots implements Interleave {
  readonly messagePrefix = MESSAGE_PREFIX;
  readonly #options: IncrementalOptions;
  readonly #watermarks: Watermarks;
  readonly #agenda: Agenda;
  #client: Promise<Client> | null = null;
  /** What runs on the connection: one thing after the other, since a COPY takes its socket. */
  #busy: Promise<unknown> = Promise.resolve();
  #inbox: Signal[] = [];
  #window: Window | null = null;
  readonly #chunkRows: ChunkRows;
  readonly #recentXids = new RecentXids();
  /** Tables that a signal of the user's asked for as a whole, in this run. */
  readonly #askedFor = new Set<string>();
  readonly #replacement: Replacement;
  readonly #told: IncrementalNotifications;

  constructor(options: IncrementalOptions) {
    this.#options = options;
    this.#agenda = new Agenda(options.progress);
    this.#replacement = new Replacement(options);
    this.#told = new IncrementalNotifications(options.notifications);
    const { config } = options;
    const table = config['signal.data.collection'];
    const byTable =
      table !== null && config['signal.enabled.channels'].includes('source') && !config['read.only'];
    this.#watermarks = byTable
      ? signalTableWatermarks(table, config['incremental.snapshot.watermarking.strategy'] === 'insert_delete')
      : messageWatermarks;
    const configured = config['incremental.snapshot.chunk.size'];
    // Messages cost nothing that anybody sees, so that chunks may be larger than the rows in a signal table suggest.
    const rowsMax = byTable ? configured : Math.max(configured, 16384);
    this.#chunkRows = new ChunkRows(rowsMax, options.memoryBytes / 8);
    if (this.#progress !== null) this.#wake();
  }

  get progress(): SnapshotProgress | null {
    return this.#progress;
  }

  get #progress(): IncrementalProgress | null {
    return this.#agenda.progress;
  }

  get pauseAt(): Lsn | null {
    return this.#replacement.pauseAt;
  }

  /** A signal from outside the log: it takes effect at the next place between two transactions. */
  signal(signal: Signal): void {
    this.#inbox.push(signal);
    this.#wake();
  }

  async close(): Promise<void> {
    await this.#replacement.close();
    const client = await this.#client?.catch(() => null);
    this.#client = null;
    await client?.end().catch(() => {});
  }

  batch(batch: ChangeBatch): void {
    for (const { id } of batch.transactions) this.#recentXids.add(id);
    const watched = batch.tables.some(
      (table) =>
        this.#inWindow(table) !== null ||
        this.#options.filters.isSignalTable(table.id.schema, table.id.table),
    );
    if (!watched) return;
    for (let row = 0; row < batch.rowCount; row++) {
      const table = batch.tables[batch.tableOf[row]] as PostgresTable;
      if (this.#options.filters.isSignalTable(table.id.schema, table.id.table)) this.#signalRow(batch, row);
      else if (this.#window?.isOpen) {
        const read = this.#inWindow(table);
        if (read !== null) this.#changedRow(batch, row, read);
      }
    }
  }

  /** As what rows of this table may be in the window; null: they are not. */
  #inWindow(table: TableSchema): PostgresTable | null {
    const name = this.#window?.tableName;
    const { whole } = table;
    if (table.name === name) return table as PostgresTable;
    return whole !== undefined && whole.name === name ? (whole as PostgresTable) : null;
  }

  message(content: Uint8Array, _lsn: Lsn): void {
    const mark = parseWatermark(content);
    if (mark !== null) this.#mark(mark.kind, mark.window);
  }

  between(offset: PostgresOffset): AsyncIterable<ChangeBatch> | null {
    const hasChunk = this.#window?.isClosed ?? false;
    if (!hasChunk && this.#inbox.length === 0 && !this.#mayBegin() && !this.#mayReplace(offset)) return null;
    return this.#step(offset);
  }

  async *#step(offset: PostgresOffset): AsyncGenerator<ChangeBatch> {
    let told = this.#progress;
    if (this.#window?.isClosed) {
      const batches = await this.#finishWindow(offset);
      yield* batches;
      if (batches.length > 0) told = this.#progress;
    }
    for (const signal of this.#inbox.splice(0)) {
      await this.#obey(signal);
      signal.obeyed?.();
    }
    while (this.#mayBegin()) {
      if (this.#progress!.tables[0].unreadable !== undefined) this.#passOver();
      else if (await this.#findEmpty()) yield* await this.#finishWindow(offset);
      else this.#beginWindow();
    }
    // What was asked for, or done without a row, must survive a restart, even if nothing changes in the source for long.
    if (this.#progress !== told || !this.#told.isEmpty) {
      yield { ...empty(offset.with({ progress: this.#progress })), notifications: this.#told.take() };
    }
    if (!this.#mayReplace(offset)) return;
    const query = <T>(run: (client: Client) => Promise<T>) => this.#exclusive(run);
    if (await this.#replacement.prepare(offset.lsn, query)) yield* this.#replace(offset);
    else this.#wake();
  }

  #mayBegin(): boolean {
    return (
      this.#window === null &&
      this.#progress !== null &&
      this.#progress.tables.length > 0 &&
      !this.#progress.paused
    );
  }

  #mayReplace({ lsn }: PostgresOffset): boolean {
    return this.#progress !== null && this.#progress.replace.length > 0 && this.#replacement.isDue(lsn);
  }

  /**
   * Until a table is whole every offset still asks for it, so that a crash reads it again; what the sinks have of others
   * may become durable meanwhile.
   */
  async *#replace(offset: PostgresOffset): AsyncGenerator<ChangeBatch> {
    const names = this.#progress!.replace;
    let after = offset.with({ progress: this.#progress });
    yield empty(after);
    const asked = names.some((name) => this.#askedFor.has(name));
    for await (const batch of this.#replacement.read(names, after, asked)) {
      for (const { kind, table } of batch.tableMarks) {
        if (kind !== 'snapshot-end') continue;
        this.#replaced(table as PostgresTable);
        after = offset.with({ progress: this.#progress });
      }
      const tables = [...batch.tables, ...batch.tableMarks.map((mark) => mark.table)];
      yield { ...batch, offset: after, repair: !tables.some(({ name }) => this.#askedFor.has(name)) };
    }
    // What had no end was not there any more.
    const left = this.#progress?.replace.filter((name) => !names.includes(name));
    if (left === undefined || left.length === this.#progress!.replace.length) return;
    this.#agenda.goOn({ replace: left });
    yield empty(offset.with({ progress: this.#progress }));
  }

  /** What was to be read of it beside the stream has come with it. */
  #replaced(table: PostgresTable): void {
    const { tables, replace } = this.#progress!;
    const isFirst = tables[0]?.name === table.name;
    if (isFirst) this.#window = null;
    this.#agenda.goOn({
      ...(isFirst ? { last: null, max: null } : {}),
      tables: tables.filter(({ name }) => name !== table.name),
      replace: replace.filter((name) => name !== table.name),
    });
    this.#options.replaced(table);
    this.#askedFor.delete(table.name);
    this.#tableDone(table.name);
  }

  #signalRow(batch: ChangeBatch, row: number): void {
    const isDelete = batch.op[row] === Op.delete;
    if (batch.op[row] !== Op.create && !isDelete) return;
    const signal = signalOfRow(batch, row);
    const mark = watermarkOfRow(signal.id, isDelete);
    if (mark !== null && mark.window === this.#window?.id) {
      this.#mark(mark.kind, mark.window);
      this.#window.closedAt = (batch.transactions[batch.transactionOf[row]] as Transaction).previousEnd;
    } else if (!isDelete) this.#inbox.push(signal);
  }

  #changedRow(batch: ChangeBatch, row: number, table: PostgresTable): void {
    const window = this.#window!;
    if (batch.op[row] === Op.truncate) {
      window.spoiled = true;
      return;
    }
    const { keyColumns, columns } = table;
    for (const first of [batch.before[row], batch.after[row]]) {
      if (first >= 0) window.changed.add(keyText(batch, first, keyColumns, columns));
    }
  }

  #mark(kind: WatermarkKind, id: string): void {
    const window = this.#window;
    if (window?.id !== id) return;
    window.isOpen = kind === 'low';
    if (kind === 'low') window.before = this.#recentXids.all();
    else window.isClosed = true;
  }

  async #obey(signal: Signal): Promise<void> {
    const { log } = this.#options;
    const order = orderOf(signal, isOwnSignal(signal), log);
    if (order === null) return;
    log.info({ id: signal.id, type: signal.type }, 'signal received');
    switch (order.kind) {
      case 'execute':
        return this.#execute(order);
      case 'replace':
        return this.#askReplace(order, isOwnSignal(signal));
      case 'stop':
        return this.#stop(order.tables);
      case 'pause':
      case 'resume':
        this.#told.paused(this.#progress, order.kind === 'pause');
        return this.#agenda.pause(order.kind === 'pause');
      case 'log':
        log.info({ id: signal.id, signalMessage: order.message }, 'signal to log');
    }
  }

  async #execute(order: Extract<Order, { kind: 'execute' }>): Promise<void> {
    const isAhead = (name: string) => this.#isAhead(name, order.unlessPending);
    const { added, whole } = await resolveRequests(order, this.#options, isAhead);
    if (!order.isOwn) this.#told.asked(this.#progress, order.id, added);
    this.#agenda.addReplace(whole);
    this.#agenda.add(added, order.isOwn ? null : order.id);
  }

  /** What is wanted comes by itself: as a table that waits, or `begun` before. */
  #isAhead(table: string, begun: boolean): boolean {
    if (begun) return this.#agenda.isPending(table);
    return this.#agenda.isWaiting(table, this.#window !== null);
  }

  async #askReplace(order: Extract<Order, { kind: 'replace' }>, isOwn: boolean): Promise<void> {
    const isNamed = (name: string) => order.tables.some((pattern) => pattern.test(name));
    const named = wholesIn(await this.#options.readable(), isNamed);
    if (!isOwn) for (const name of named) this.#askedFor.add(name);
    if (named.length > 0) this.#agenda.addReplace(named);
    else this.#options.log.warn({ id: order.id }, 'signal names no captured table');
  }

  #stop(tables: readonly RegExp[] | null): void {
    if (this.#progress === null) return;
    const isStopped = ({ name }: PendingTable) =>
      tables === null || tables.some((pattern) => pattern.test(name));
    this.#told.stopped(this.#progress, isStopped);
    const [first] = this.#progress.tables;
    const left = this.#progress.tables.filter((table) => !isStopped(table));
    if (left[0] !== first) this.#window = null;
    this.#agenda.goOn({ tables: left, ...(left[0] === first ? {} : { last: null, max: null }) });
  }

  #passOver(): void {
    this.#told.tableRead(this.#progress!, null);
    this.#nextTable();
  }

  #nextTable(): void {
    const [pending, ...others] = this.#progress!.tables;
    this.#agenda.goOn({ tables: others, last: null, max: null });
    if (others.length === 0 && pending.own !== true) this.#lastWindow();
  }

  /** Debezium has no window for a table without rows; it is finished as if there had been one. */
  async #findEmpty(): Promise<boolean> {
    const { tables, last } = this.#progress!;
    if (this.#watermarks === messageWatermarks || last !== null) return false;
    const [{ name, condition }] = tables;
    const table = await this.#options.find(name);
    const rows = table && (await this.#exclusive((client) => readEmpty(client, table, condition)));
    if (rows === null) return false;
    const chunk = Promise.resolve({ rows, streamed: this.#streamed(table) });
    this.#window = { ...newWindow('', name, chunk), isClosed: true };
    return true;
  }

  #beginWindow(): void {
    const progress = this.#progress!;
    const [pending] = progress.tables;
    const id = randomUUID();
    const chunk = this.#exclusive(async (client) => {
      const table = await this.#options.find(pending.name);
      const streamed = this.#streamed(table);
      // Before the window opens.
      if (table !== null) window.tableName = this.#options.streamedAs(table).name;
      const rows = await readWindow(client, {
        id,
        table,
        key: table === null ? [] : (chunkKey(table, pending.surrogateKey) ?? []),
        condition: pending.condition,
        last: progress.last,
        max: progress.max,
        rows: this.#chunkRows.next,
        memoryBytes: this.#options.memoryBytes,
        watermarks: this.#watermarks,
        mayFail: pending.own !== true,
        signal: this.#options.signal,
      });
      return { rows, streamed };
    });
    const window = newWindow(id, pending.name, chunk);
    this.#window = window;
    chunk.catch((error) => this.#failed(error, 'an incremental snapshot failed'));
  }

  /** The chunk's rows that are still true, as batches with the offset behind them. */
  async #finishWindow(offset: PostgresOffset): Promise<ChangeBatch[]> {
    const window = this.#window!;
    const { rows, streamed } = await window.chunk;
    this.#window = null;
    const isUndone = window.before.some((xid) => rows.isInvisible(Number(xid)));
    if (window.spoiled || isUndone || this.#isOutdated(rows.table, streamed)) return [];
    this.#chunkRows.observe(rows.rowCount, rows.bytes);
    const before = this.#progress!;
    const [pending] = before.tables;
    this.#told.chunkRead(before, rows);
    const notifications = this.#told.take();
    if (rows.isLast) {
      if (rows.refused === null) {
        this.#options.log.info({ table: pending.name }, 'incremental snapshot of a table ends');
        this.#tableDone(pending.name);
      } else {
        const facts = { table: pending.name, sqlState: rows.refused };
        this.#options.log.warn(
          facts,
          'the server refuses to read a table for a signal, which is passed over',
        );
      }
      this.#told.tableRead(before, rows);
      this.#nextTable();
    } else {
      this.#agenda.goOn({ last: rows.last, max: rows.max });
    }
    const after = offset.with({ progress: this.#progress });
    const mark = new WindowMark(after, window.closedAt ?? after.lsn);
    const batches = rows.batches
      .map((batch) => withoutChanged(batch, window.changed, mark))
      .filter(({ rowCount }) => rowCount > 0);
    this.#options.metrics.table(pending.name).rowsSnapshot += batches.reduce(
      (sum, { rowCount }) => sum + rowCount,
      0,
    );
    // The last batch bears the offset, and says whether that was all.
    const last = batches.pop() ?? empty(after);
    const repair = pending.own === true;
    const { table } = rows;
    const isComplete = rows.isLast && rows.refused === null && table !== null && pending.condition === '';
    const complete = { row: last.rowCount, table: table!, kind: 'complete', replace: false } as const;
    const tableMarks = isComplete ? [complete] : [];
    const all = [...batches, { ...last, offset: after, tableMarks }].map((batch) => ({ ...batch, repair }));
    all[0] = { ...all[0], notifications };
    return all;
  }

  /** Debezium ends with a window that holds nothing, which shows in the signal table and its topic. */
  #lastWindow(): void {
    const watermarks = this.#watermarks;
    if (watermarks === messageWatermarks) return;
    const id = randomUUID();
    const written = this.#exclusive(async (client) => {
      await watermarks.write(client, 'low', id);
      await watermarks.write(client, 'high', id);
    });
    written.catch((error) => this.#failed(error, 'an incremental snapshot cannot be ended'));
  }

  /**
   * Whether the log has rows in a version of the table that the chunk may not be in. The stream may well know another
   * one than the chunk: that the table has changed shows in the log only with the next row. Rows logged later than the
   * look-up come in the chunk's version or in a newer one, which the stream did not know then.
   */
  #isOutdated(table: PostgresTable | null, before: PostgresTable | null): boolean {
    const now = this.#streamed(table);
    return now !== (table && this.#options.streamedAs(table)) && now !== before;
  }

  #streamed(table: PostgresTable | null): PostgresTable | null {
    return table === null ? null : this.#options.current(this.#options.streamedAs(table).oid);
  }

  #tableDone(name: string): void {
    const metric = this.#options.metrics.table(name);
    metric.snapshotDone = true;
    if (metric.state !== 'stale') return;
    metric.state = 'ok';
    metric.reason = '';
  }

  /**
   * A message of our own brings the stream to a place between two transactions, however idle the source is. While a
   * window is under way its watermarks do.
   */
  #wake(): void {
    if (this.#window !== null) return;
    const wake = this.#exclusive((client) =>
      client.query('SELECT pg_catalog.pg_logical_emit_message(true, $1, $2::text)', [MESSAGE_PREFIX, 'wake']),
    );
    wake.catch((error) => this.#failed(error, 'a signal cannot be passed on'));
  }

  #failed(error: unknown, doing: string): void {
    if (!this.#options.signal.aborted) this.#options.onError(postgresError(error, doing));
  }

  #exclusive<T>(run: (client: Client) => Promise<T>): Promise<T> {
    const next = this.#busy.then(async () => {
      this.#client ??= this.#options.connect(this.#options.signal);
      return run(await this.#client);
    });
    this.#busy = next.catch(() => {});
    return next;
  }
}
