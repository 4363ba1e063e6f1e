import { join } from 'node:path';
import { failpoint } from '../../base/failpoint.ts';
import type { Catalog } from '../../iceberg/catalog/catalog.ts';
import { openCatalog } from '../../iceberg/catalog/open.ts';
import { ManifestCache } from '../../iceberg/manifest-cache.ts';
import { type ChangeBatch, Op, type TableMark } from '../../record/batch.ts';
import type { Offset } from '../../record/offset.ts';
import { keptTable, type TableSchema } from '../../record/table.ts';
import type { PendingWork, Sink, SinkContext } from '../sink.ts';
import type { IcebergSinkConfig } from './config.ts';
import type { FileOptions, RowWriter } from './file-writer.ts';
import { NOTHING_FILLED } from './fill.ts';
import { type CommitContext, commitGroup, type TableChange } from './group-commit.ts';
import type { ImageList } from './image-list.ts';
import { CommitIntents } from './intent.ts';
import type { LakeTable } from './lake-table.ts';
import { LakeTables } from './lake-tables.ts';
import { measureCommit } from './measure.ts';
import { MicroBatch, rowPath, type TableWork } from './micro-batch.ts';
import { Orphans } from './orphans.ts';
import { untriedReaders } from './readers.ts';
import { commitIdle, openLake } from './recovery.ts';
import { Route } from './route.ts';
import { SpillStore } from './spill.ts';
import { openDataWriter } from './table-files.ts';
import { removeFiles, setAside, type WriteContext, writeChanges } from './write-changes.ts';

/** Merges changes by key in micro-batches and commits them to Iceberg tables as groups. */
export class IcebergSink implements Sink {
  readonly #config: IcebergSinkConfig;
  readonly #context: SinkContext;
  readonly #skippedOps: ReadonlySet<number>;
  readonly #skippedOfParts: ReadonlySet<number>;
  #tables: LakeTables;
  /** Tables whose content is being replaced: what came since their snapshot began, committed when it ends (L-6). */
  readonly #staged = new Map<LakeTable, RowWriter>();
  readonly #aborted = new AbortController();
  #catalog: Catalog | null = null;
  #commitContext: CommitContext | null = null;
  #orphans: Orphans | null = null;
  #micro = new MicroBatch();
  #running: Promise<unknown> = Promise.resolve();
  #runningBytes = 0;
  #position: Offset | null = null;
  #fresh = true;

  constructor(config: IcebergSinkConfig, skipped: ReadonlySet<number>, context: SinkContext) {
    this.#config = config;
    this.#skippedOps = skipped;
    // A part's truncation is a mark of the whole.
    this.#skippedOfParts = new Set([...skipped, Op.truncate]);
    this.#context = context;
    this.#tables = new LakeTables(config, context, { position: null, commits: new Map() });
  }

  async open(signal: AbortSignal): Promise<Offset | null> {
    const { log } = this.#context;
    for (const key of this.#config.ignored) log.info({ key }, 'property has no meaning here and is ignored');
    for (const { key, nearest } of this.#config.unknown) log.warn({ key, nearest }, 'unknown property');
    const untried = untriedReaders(this.#config.readers);
    if (untried.length > 0)
      log.warn({ readers: untried }, 'whether these read equality deletes is not known');
    const catalog = await openCatalog(this.#config.catalogName, this.#config.catalog);
    this.#catalog = catalog;
    const intents = new CommitIntents(join(this.#context.stateDir, 'intents'));
    this.#commitContext = {
      pipeline: this.#context.connector,
      catalog,
      expiry: this.#config.snapshots,
      manifests: new ManifestCache(),
      intents,
      metrics: this.#context.metrics,
      log,
      onWaiting: (error) => this.#context.onWaiting?.(error),
    };
    const state = await openLake(catalog, this.#config, this.#context, signal);
    const { position } = state;
    this.#tables = new LakeTables(this.#config, this.#context, state);
    this.#position = position?.offset ?? null;
    this.#fresh = position === null;
    this.#orphans = new Orphans(intents, log);
    await this.#orphans.load(state.commits);
    return this.#position;
  }

  begins(from: Offset | null): void {
    if (from !== null) this.#fresh = false;
  }

  get needsSnapshot(): readonly string[] {
    return this.#tables.stopped;
  }

  get pending(): PendingWork {
    const { memoryBytes, bytes, rows, keptBytes } = this.#micro;
    // Half, because the next micro-batch fills while this one is written.
    const full = keptBytes >= this.#context.memoryBytes / 2;
    return { memoryBytes: memoryBytes + this.#runningBytes, bytes, rows, full };
  }

  needsCommitBefore(batch: ChangeBatch): boolean {
    // Rows written as they came cannot be reached by deletes of the same commit (L-2).
    for (const work of this.#micro.work.values()) {
      if (!work.holdsUnmerged || work.table.latest?.keyColumns.length === 0) continue;
      const touches = batch.tables.some((table) => (table.whole ?? table).name === work.table.source);
      if (touches && mergesRows(batch, work.table.source)) return true;
    }
    return false;
  }

  async write(batch: ChangeBatch): Promise<void> {
    const signal = this.#aborted.signal;
    let routes = await this.#routes(batch, signal);
    let from = 0;
    for (const mark of batch.tableMarks) {
      await this.#writeRows(batch, routes, from, mark.row);
      from = mark.row;
      await this.#applyMark(mark, signal);
      routes = await this.#routes(batch, signal);
    }
    await this.#writeRows(batch, routes, from, batch.rowCount);
    this.#micro.rows += batch.rowCount;
    this.#micro.bytes += batch.byteLength;
    await this.#makeRoom();
    failpoint('sink.accepted');
  }

  async commit(offset: Offset, signal: AbortSignal): Promise<Offset> {
    // Taken at once: whatever is written after this call belongs to the next commit.
    const micro = this.#micro;
    this.#micro = new MicroBatch();
    this.#runningBytes += micro.memoryBytes;
    const done = this.#running
      .then(() => this.#commit(micro, offset, signal))
      .finally(() => {
        this.#runningBytes = 0;
      });
    this.#running = done.catch(() => undefined);
    return done;
  }

  async close(): Promise<void> {
    this.#aborted.abort();
    await this.#running;
    for (const work of this.#micro.work.values()) await discard(work);
    for (const writer of this.#staged.values()) await writer.abort();
    await this.#catalog?.close();
  }

  async #commit(micro: MicroBatch, offset: Offset, signal: AbortSignal): Promise<Offset> {
    const durable = await this.#commitChanges(micro, offset, signal);
    for (const { table, complete } of micro.work.values()) {
      if (complete && table.failure === null) await this.#completed(table, signal);
    }
    return durable;
  }

  /** The rows are there, whatever becomes of the note that they are not: at worst they are read once more. */
  async #completed(table: LakeTable, signal: AbortSignal): Promise<void> {
    try {
      await table.complete(this.#context.connector, this.#catalog!, signal);
    } catch (error) {
      if (!signal.aborted) {
        this.#context.log.warn(
          { error, table: table.name },
          'a table is complete but could not be marked so',
        );
      }
    }
  }

  async #commitChanges(micro: MicroBatch, offset: Offset, signal: AbortSignal): Promise<Offset> {
    const started = Date.now();
    const context = this.#commitContext!;
    const changes: TableChange[] = [];
    const works = [...micro.work.values()];
    const spilled = works.filter((work) => work.spill !== null);
    for (const work of spilled) {
      const context = this.#writeContext(work.table, signal);
      await this.#tables.guard(work.table, () => setAside(micro, work, context));
    }
    for (const work of works) if (work.spill === null) await this.#writeWork(micro, work, changes, signal);
    micro.release();
    this.#runningBytes = 0;
    // Merging what lies on disk needs the memory that the others had.
    for (const work of spilled) await this.#writeWork(micro, work, changes, signal);
    if (changes.length === 0) return this.#commitNothing(offset, signal);
    failpoint('sink.data-written');
    const { stopped } = this.#tables;
    const tables = this.#tables.uuids(changes.map((change) => change.table));
    const position = { from: this.#position, to: offset, stopped, tables };
    const { committed, failed } = await commitGroup(changes, position, context, signal);
    for (const { change, error } of failed) await this.#drop(change, error);
    if (committed.length === 0) return this.#commitNothing(offset, signal);
    this.#position = offset;
    measureCommit(this.#context.metrics, committed, Date.now() - started);
    await this.#orphans?.sweep(
      committed.map(({ table }) => table),
      signal,
    );
    return offset;
  }

  /** Writes the files of one table and adds them to `changes`. */
  async #writeWork(
    micro: MicroBatch,
    work: TableWork,
    changes: TableChange[],
    signal: AbortSignal,
  ): Promise<void> {
    if (work.table.failure !== null) return discard(work);
    const context = this.#writeContext(work.table, signal);
    const change = await this.#tables.guard(work.table, () => writeChanges(micro, work, context));
    await work.spill?.close();
    await removeFiles(work.table, work.discarded);
    if (change !== null && (change.replaceAll || change.dataFiles.length + change.deleteFiles.length > 0))
      changes.push(change);
  }

  /** Keeps the position alone; the answer is what is durable. */
  async #commitNothing(offset: Offset, signal: AbortSignal): Promise<Offset> {
    const { stopped } = this.#tables;
    const context = this.#commitContext!;
    const isKept = await commitIdle([...this.#tables], this.#position, offset, stopped, context, signal);
    if (isKept) this.#position = offset;
    return this.#position ?? offset;
  }

  /** Stops a table that could not be committed to. Its files belong to nothing; with the table gone they may be, too. */
  async #drop({ table, dataFiles, deleteFiles }: TableChange, error: unknown): Promise<void> {
    this.#tables.fail(table, error);
    try {
      await removeFiles(table, [...dataFiles, ...deleteFiles]);
    } catch (cause) {
      this.#context.log.warn(
        { error: cause, table: table.source },
        'files of a stopped table were left behind',
      );
    }
  }

  /** For each table of the batch where its rows go, or null where they are not wanted. */
  async #routes(batch: ChangeBatch, signal: AbortSignal): Promise<(Route | null)[]> {
    const works: (TableWork | null)[] = [];
    for (const schema of batch.tables) works.push(await this.#workOf(keptTable(schema), signal));
    return works.map((work, i) => {
      if (work === null || work.table.failure !== null) return null;
      const given = batch.tables[i];
      const schema = work.table.keyed(keptTable(given), this.#config.upsert);
      const isPart = given.whole !== undefined;
      const skipped = isPart ? this.#skippedOfParts : this.#skippedOps;
      return new Route(work, schema, this.#staged.has(work.table), skipped, isPart);
    });
  }

  async #workOf(schema: TableSchema, signal: AbortSignal, replacing = false): Promise<TableWork | null> {
    const table = this.#tables.of(schema);
    if (table.failure !== null) return null;
    if (this.#config.upsert && schema.fault) {
      this.#tables.fail(table, schema.fault);
      return null;
    }
    if (!table.isCurrent(schema)) {
      const ready = await this.#tables.guard(table, async () => {
        await this.#running;
        const { connector, log } = this.#context;
        await table.bringUp(schema, connector, this.#catalog!, this.#config, log, signal, replacing);
        this.#tables.planDeletes(table);
        return true;
      });
      if (ready === null) return null;
    }
    return this.#micro.workOf(table);
  }

  async #writeRows(
    batch: ChangeBatch,
    routes: readonly (Route | null)[],
    from: number,
    to: number,
  ): Promise<void> {
    for (let row = from; row < to; ) {
      const end = tableEnd(batch, row, to);
      const route = routes[batch.tableOf[row]];
      row = route === null ? end : this.#take(route, batch, row, end);
      if (row === end || route === null) continue;
      route.direct = null;
      await route.work.truncate();
      row++;
    }
    for (const route of routes) {
      if (route === null || route.direct === null) continue;
      await this.#writeDirect(route.work, batch, route.direct);
      route.direct = null;
    }
  }

  #take(route: Route, batch: ChangeBatch, from: number, to: number): number {
    const { table } = route.work;
    if (table.failure !== null) return to;
    try {
      return route.take(batch, from, to, this.#micro);
    } catch (error) {
      this.#tables.fail(table, error);
      return to;
    }
  }

  async #writeDirect(work: TableWork, batch: ChangeBatch, list: ImageList): Promise<void> {
    await this.#tables.guard(work.table, async () => {
      const staged = this.#staged.get(work.table);
      if (staged === undefined) work.direct ??= this.#openDirect(work.table);
      await (staged ?? work.direct!).write({
        batches: [batch],
        schemas: work.schemas,
        list,
        filled: NOTHING_FILLED,
      });
    });
  }

  #openDirect(table: LakeTable): RowWriter {
    return openDataWriter(table, this.#fileOptions(table));
  }

  async #applyMark(mark: TableMark, signal: AbortSignal): Promise<void> {
    if (mark.table.whole !== undefined) return;
    const schema = keptTable(mark.table);
    if (mark.kind === 'truncated') return this.#truncated(schema, signal);
    if (mark.kind === 'present') return this.#present(schema, signal);
    if (mark.kind === 'incomplete') return this.#truncatedPart(schema, signal);
    // A snapshot that replaces the content is what makes a stopped table go on.
    const replacing = mark.kind === 'snapshot-start' && mark.replace;
    if (replacing) this.#tables.restart(schema);
    const work = await this.#workOf(schema, signal, replacing);
    if (work === null) return;
    const { table } = work;
    if (mark.kind === 'snapshot-end' || mark.kind === 'complete') work.complete = true;
    if (mark.kind === 'snapshot-start' && (mark.replace || (this.#fresh && hasRows(table)))) {
      await this.#staged.get(table)?.abort();
      this.#staged.set(table, this.#openDirect(table));
      table.ahead = null; // It is ahead with content that goes away.
    }
    const staged = this.#staged.get(table);
    if (mark.kind !== 'snapshot-end' || staged === undefined) return;
    this.#staged.delete(table);
    const files = await this.#tables.guard(table, () => staged.close());
    if (files === null) return;
    await work.truncate();
    work.files.push(...files);
    this.#tables.restarted(table);
  }

  /** A table that was there before must have its older rows, too; in a lake that begins here nothing is older. */
  async #present(schema: TableSchema, signal: AbortSignal): Promise<void> {
    const table = this.#tables.of(schema);
    if (this.#fresh || table.failure !== null) return;
    const { connector, log } = this.#context;
    const found = await this.#tables.guard(table, async () => {
      await this.#running;
      return table.findMissing(schema, connector, this.#catalog!, this.#config, log, signal);
    });
    this.#askFor(table, found !== null);
  }

  async #truncated(schema: TableSchema, signal: AbortSignal): Promise<void> {
    if (this.#skippedOps.has(Op.truncate)) return;
    const work = await this.#workOf(schema, signal);
    await work?.truncate();
  }

  /** L-7: which rows were in the partition the lake cannot tell, so that the table is read anew. */
  async #truncatedPart(schema: TableSchema, signal: AbortSignal): Promise<void> {
    if (this.#skippedOps.has(Op.truncate)) return;
    const work = await this.#workOf(schema, signal);
    if (work === null) return;
    const { table } = work;
    await this.#tables.guard(table, async () => {
      await this.#running;
      await table.lacks(PARTITION_TRUNCATED, this.#context.connector, this.#catalog!, signal);
    });
    this.#askFor(table, true);
  }

  #askFor(table: LakeTable, isNew: boolean): void {
    const { missing } = table;
    if (missing === null || table.failure !== null) return;
    const { log, metrics, reread } = this.#context;
    log.info({ table: table.source, reason: missing.reason }, 'existing rows are missing and are asked for');
    const own = metrics.table(table.source);
    own.state = 'stale';
    own.reason = missing.reason;
    reread?.([table.source], missing.replace ? 'replace' : isNew ? 'beside' : 'finish');
  }

  /** Beyond the memory budget: first wait for the commit that runs, then set rows aside on disk (L-4). */
  async #makeRoom(): Promise<void> {
    const budget = this.#context.memoryBytes;
    if (this.pending.memoryBytes <= budget) return;
    await this.#running;
    if (this.#micro.memoryBytes <= budget) return;
    for (const work of this.#micro.work.values()) {
      const context = this.#writeContext(work.table, this.#aborted.signal);
      if (work.merge !== null)
        work.spill ??= new SpillStore(join(this.#context.stateDir, 'spill'), work.table.name);
      await this.#tables.guard(work.table, () => setAside(this.#micro, work, context));
    }
    this.#micro.release();
    failpoint('sink.spilled');
  }

  #writeContext(table: LakeTable, signal: AbortSignal): WriteContext {
    const { manifests } = this.#commitContext!;
    const onRead = (bytes: number) => {
      this.#context.metrics.table(table.source).lookupBytes += bytes;
    };
    // What the open files hold comes on top.
    const portionBytes = this.#context.memoryBytes / 6;
    return { options: this.#fileOptions(table), lookup: { manifests, signal, onRead }, portionBytes };
  }

  #fileOptions(table: LakeTable): FileOptions {
    return {
      compression: this.#config.compression,
      targetFileBytes: this.#config.targetFileBytes,
      onSpecial: (column) => this.#context.metrics.table(table.source).special(column),
    };
  }
}

const PARTITION_TRUNCATED = { reason: 'one of its partitions was truncated', replace: true };

async function discard(work: TableWork): Promise<void> {
  const left = (await work.direct?.abort()) ?? [];
  await work.spill?.close();
  await removeFiles(work.table, [...left, ...work.files, ...work.discarded]);
}

/** Where the rows from `from` on cease to be of one table. */
function tableEnd({ tableOf }: ChangeBatch, from: number, to: number): number {
  const table = tableOf[from];
  let end = from + 1;
  while (end < to && tableOf[end] === table) end++;
  return end;
}

function mergesRows(batch: ChangeBatch, source: string): boolean {
  for (let row = 0; row < batch.rowCount; row++) {
    const table = batch.tables[batch.tableOf[row]];
    if (
      (table.whole ?? table).name === source &&
      rowPath(batch.op[row], batch.flags[row], true, false) === 'merge'
    )
      return true;
  }
  return false;
}

function hasRows(table: LakeTable): boolean {
  return (table.loaded!.metadata['current-snapshot-id'] ?? null) !== null;
}
