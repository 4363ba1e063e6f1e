import { join } from 'node:path';
import { asIcestreamError, IcestreamError } from '../../base/errors.ts';
import { failpoint } from '../../base/failpoint.ts';
import type { Catalog } from '../../iceberg/catalog/catalog.ts';
import { openCatalog } from '../../iceberg/catalog/open.ts';
import type { DataFile } from '../../iceberg/file.ts';
import { ManifestCache } from '../../iceberg/manifest-cache.ts';
import { type ChangeBatch, OP_LETTERS, Op, type TableMark } from '../../record/batch.ts';
import type { Offset } from '../../record/offset.ts';
import type { TableSchema } from '../../record/table.ts';
import type { PendingWork, Sink, SinkContext, SinkDefinition } from '../sink.ts';
import {
  ICEBERG_PROPERTIES,
  type IcebergSinkConfig,
  parseIcebergConfig,
  validateIcebergConfig,
} from './config.ts';
import type { FileOptions, FileWriter } from './file-writer.ts';
import { fillUnchanged } from './fill.ts';
import { type CommitContext, commitGroup, type TableChange } from './group-commit.ts';
import { ImageList } from './image-list.ts';
import { CommitIntents } from './intent.ts';
import { defaultSpec, LakeTable } from './lake-table.ts';
import { MicroBatch, rowPath, type TableWork } from './micro-batch.ts';
import { lakeIdent } from './naming.ts';
import { commitIdle, openPosition } from './recovery.ts';
import { SpillStore } from './spill.ts';
import { openWriter } from './table-files.ts';
import { removeFiles, writeAppends, writeChanges } from './write-changes.ts';

export const icebergSink: SinkDefinition = {
  create: (config, context) => new IcebergSink(parseIcebergConfig(config), skippedOps(config), context),
  commitPolicy: (config) => parseIcebergConfig(config).commit,
  properties: ICEBERG_PROPERTIES,
  validate: validateIcebergConfig,
};

/** Merges changes by key in micro-batches and commits them to Iceberg tables as groups. */
class IcebergSink implements Sink {
  readonly #config: IcebergSinkConfig;
  readonly #context: SinkContext;
  readonly #skippedOps: ReadonlySet<number>;
  readonly #tables = new Map<string, LakeTable>();
  /** Tables whose content is being replaced: what came since their snapshot began, committed when it ends (L-6). */
  readonly #staged = new Map<LakeTable, FileWriter>();
  readonly #aborted = new AbortController();
  #catalog: Catalog | null = null;
  #commitContext: CommitContext | null = null;
  #micro = new MicroBatch();
  #running: Promise<unknown> = Promise.resolve();
  #runningBytes = 0;
  #ahead: ReadonlyMap<string, Offset> = new Map();
  /** Lake tables that are gone though the newest commit names them (O-5). */
  #lost: ReadonlySet<string> = new Set();
  /** Source tables that have stopped; only a new snapshot of one makes it go on (L-5). */
  #stopped = new Set<string>();
  #position: Offset | null = null;
  #fresh = true;

  constructor(config: IcebergSinkConfig, skipped: ReadonlySet<number>, context: SinkContext) {
    this.#config = config;
    this.#skippedOps = skipped;
    this.#context = context;
  }

  async open(signal: AbortSignal): Promise<Offset | null> {
    const { log } = this.#context;
    for (const key of this.#config.ignored) log.info({ key }, 'property has no meaning here and is ignored');
    for (const { key, nearest } of this.#config.unknown) log.warn({ key, nearest }, 'unknown property');
    const catalog = await openCatalog(this.#config.catalogName, this.#config.catalog);
    this.#catalog = catalog;
    this.#commitContext = {
      pipeline: this.#context.connector,
      catalog,
      expiry: this.#config.snapshots,
      manifests: new ManifestCache(),
      intents: new CommitIntents(join(this.#context.stateDir, 'intents')),
      metrics: this.#context.metrics,
      log,
    };
    const position = await openPosition(catalog, this.#config, this.#context, signal);
    this.#ahead = position?.ahead ?? new Map();
    this.#position = position?.offset ?? null;
    this.#fresh = position === null;
    this.#lost = new Set(position?.lost);
    this.#stopped = new Set(position?.stopped);
    return this.#position;
  }

  get needsSnapshot(): readonly string[] {
    return [...this.#stopped];
  }

  get pending(): PendingWork {
    const { memoryBytes, bytes, rows } = this.#micro;
    return { memoryBytes: memoryBytes + this.#runningBytes, bytes, rows };
  }

  needsCommitBefore(batch: ChangeBatch): boolean {
    // Rows written as they came cannot be reached by deletes of the same commit (L-2).
    for (const work of this.#micro.work.values()) {
      if (work.direct === null || work.table.latest?.keyColumns.length === 0) continue;
      const touches = batch.tables.some((table) => table.name === work.table.source);
      if (touches && mergesRows(batch, work.table.source)) return true;
    }
    return false;
  }

  async write(batch: ChangeBatch): Promise<void> {
    const signal = this.#aborted.signal;
    const plan = await this.#planOf(batch, signal);
    let from = 0;
    for (const mark of batch.tableMarks) {
      await this.#writeRows(batch, plan, from, mark.row);
      from = mark.row;
      await this.#applyMark(mark, signal);
    }
    await this.#writeRows(batch, plan, from, batch.rowCount);
    this.#micro.rows += batch.rowCount;
    this.#micro.bytes += batch.byteLength;
    await this.#makeRoom();
    failpoint('sink.accepted');
  }

  async commit(offset: Offset, signal: AbortSignal): Promise<Offset> {
    await this.#running;
    const micro = this.#micro;
    this.#micro = new MicroBatch();
    this.#runningBytes = micro.memoryBytes;
    const done = this.#commit(micro, offset, signal).finally(() => {
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
    const started = Date.now();
    const context = this.#commitContext!;
    const changes: TableChange[] = [];
    for (const work of micro.work.values()) {
      if (work.table.failure !== null) {
        await discard(work);
        continue;
      }
      const change = await this.#guard(work.table, () =>
        writeChanges(micro, work, this.#fileOptions(work.table), fillUnchanged),
      );
      await work.spill?.close();
      await removeFiles(work, work.discarded);
      if (change !== null && (change.replaceAll || change.dataFiles.length + change.deleteFiles.length > 0))
        changes.push(change);
    }
    if (changes.length === 0) {
      const idle = await commitIdle(
        [...this.#tables.values()],
        this.#position,
        offset,
        [...this.#stopped],
        context,
        signal,
      );
      if (idle) this.#position = offset;
      return idle ? offset : (this.#position ?? offset);
    }
    failpoint('sink.data-written');
    await commitGroup(changes, this.#position, offset, [...this.#stopped], context, signal);
    this.#position = offset;
    this.#measure(changes, Date.now() - started);
    return offset;
  }

  /** For each table of the batch its work, or null where its rows are not wanted. */
  async #planOf(batch: ChangeBatch, signal: AbortSignal): Promise<(TableWork | null)[]> {
    const plan: (TableWork | null)[] = [];
    for (const schema of batch.tables) plan.push(await this.#workOf(schema, signal));
    return plan;
  }

  async #workOf(schema: TableSchema, signal: AbortSignal): Promise<TableWork | null> {
    const table = this.#tableOf(schema);
    if (table.failure !== null) return null;
    if (!table.isCurrent(schema)) {
      const ready = await this.#guard(table, async () => {
        await this.#running;
        await table.bringUp(schema, this.#catalog!, this.#config, this.#context.log, signal);
        return true;
      });
      if (ready === null) return null;
    }
    return this.#micro.workOf(table);
  }

  #tableOf(schema: TableSchema): LakeTable {
    let table = this.#tables.get(schema.name);
    if (table === undefined) {
      const ident = lakeIdent(this.#config, schema.id);
      table = new LakeTable(
        schema.name,
        ident,
        this.#config.table([...ident.namespace, ident.name].join('.'), schema.name),
      );
      table.ahead = this.#ahead.get(table.name) ?? null;
      this.#tables.set(schema.name, table);
      if (this.#lost.has(table.name)) this.#fail(table, tableGone(table), this.#position);
      else if (this.#stopped.has(table.source)) this.#fail(table, stoppedBefore(table), this.#position);
    }
    return table;
  }

  async #writeRows(
    batch: ChangeBatch,
    plan: readonly (TableWork | null)[],
    from: number,
    to: number,
  ): Promise<void> {
    if (from === to) return;
    const direct = new Map<TableWork, ImageList>();
    let number = -1;
    for (let row = from; row < to; row++) {
      const work = plan[batch.tableOf[row]];
      if (work === null || work.table.failure !== null || this.#skips(batch, work, row)) continue;
      work.rows++;
      const micros = batch.transactions[batch.transactionOf[row]].timestampMicros;
      if (micros > work.validThroughMicros) work.validThroughMicros = micros;
      const schema = work.table.keyed(batch.tables[batch.tableOf[row]], this.#config.upsert);
      const schemaNumber = work.schemaNumber(schema);
      const op = batch.op[row];
      if (op === Op.truncate) {
        await work.truncate();
        continue;
      }
      const path = this.#pathOf(batch, work, schema, row);
      if (path === 'direct') {
        let list = direct.get(work);
        if (list === undefined) direct.set(work, (list = new ImageList()));
        list.push(0, imageOf(batch, row), row, schemaNumber);
        continue;
      }
      if (number < 0) number = this.#micro.retain(batch);
      if (path === 'append') work.appends.push(number, imageOf(batch, row), row, schemaNumber);
      else this.#merge(work, batch, number, row, schemaNumber);
    }
    for (const [work, list] of direct) await this.#writeDirect(work, batch, list);
  }

  #pathOf(batch: ChangeBatch, work: TableWork, schema: TableSchema, row: number) {
    if (this.#staged.has(work.table)) return 'direct';
    const partitioned = defaultSpec(work.table.loaded!).fields.length > 0;
    return rowPath(batch.op[row], batch.flags[row], schema.keyColumns.length > 0, partitioned);
  }

  #merge(work: TableWork, batch: ChangeBatch, number: number, row: number, schemaNumber: number): void {
    try {
      work.merging().apply(batch, number, row, schemaNumber);
    } catch (error) {
      this.#fail(work.table, error, batch.transactions[batch.transactionOf[row]].offset);
    }
  }

  async #writeDirect(work: TableWork, batch: ChangeBatch, list: ImageList): Promise<void> {
    await this.#guard(work.table, async () => {
      const staged = this.#staged.get(work.table);
      if (staged === undefined) work.direct ??= this.#openDirect(work.table);
      await (staged ?? work.direct!).write([batch], work.schemas, list, 0, list.count);
    });
  }

  #openDirect(table: LakeTable): FileWriter {
    return openWriter(table, 'data', defaultSpec(table.loaded!), [], this.#fileOptions(table));
  }

  async #applyMark(mark: TableMark, signal: AbortSignal): Promise<void> {
    // A snapshot that replaces the content is what makes a stopped table go on.
    if (mark.kind === 'snapshot-start' && mark.replace) this.#restart(mark.table.name);
    const work = await this.#workOf(mark.table, signal);
    if (work === null) return;
    const { table } = work;
    if (mark.kind === 'snapshot-start' && (mark.replace || (this.#fresh && hasRows(table)))) {
      await this.#staged.get(table)?.abort();
      this.#staged.set(table, this.#openDirect(table));
    }
    const staged = this.#staged.get(table);
    if (mark.kind !== 'snapshot-end' || staged === undefined) return;
    this.#staged.delete(table);
    const files = await this.#guard(table, () => staged.close());
    if (files === null) return;
    await work.truncate();
    work.files.push(...files);
  }

  #restart(source: string): void {
    const table = this.#tables.get(source);
    if (table?.failure != null) {
      this.#tables.delete(source);
      this.#micro.work.delete(table);
    }
    this.#lost = new Set([...this.#lost].filter((name) => name !== table?.name));
    this.#stopped.delete(source);
    this.#context.metrics.table(source).state = 'ok';
    this.#context.metrics.table(source).reason = '';
  }

  /** Rows that the lake has already, or that the user does not want. */
  #skips(batch: ChangeBatch, work: TableWork, row: number): boolean {
    if (this.#skippedOps.has(batch.op[row])) return true;
    const { ahead } = work.table;
    if (ahead === null) return false;
    return ahead.holds(batch.transactions[batch.transactionOf[row]].offset, work.table.source);
  }

  /** Beyond the memory budget: first wait for the commit that runs, then set rows aside on disk (L-4). */
  async #makeRoom(): Promise<void> {
    const budget = this.#context.memoryBytes;
    if (this.pending.memoryBytes <= budget) return;
    await this.#running;
    if (this.#micro.memoryBytes <= budget) return;
    for (const work of this.#micro.work.values()) {
      await this.#guard(work.table, async () => {
        work.files.push(...(await writeAppends(this.#micro, work, this.#fileOptions(work.table))));
        if (work.merge === null) return;
        work.spill ??= new SpillStore(join(this.#context.stateDir, 'spill'), work.table.name);
        await work.spill.add(work.merge, this.#micro.batches, this.#micro.overlay, work.schemas);
      });
    }
    this.#micro.release();
    failpoint('sink.spilled');
  }

  /** What is wrong with one table stops that table alone (L-5, invariant 6); null says that it did. */
  async #guard<T>(table: LakeTable, run: () => Promise<T>): Promise<T | null> {
    try {
      return await run();
    } catch (error) {
      if (!(error instanceof IcestreamError) || !stopsTable(error)) throw error;
      this.#fail(table, error, this.#position);
      return null;
    }
  }

  #fail(table: LakeTable, thrown: unknown, offset: Offset | null): void {
    const error = asIcestreamError(thrown);
    if (!stopsTable(error)) throw error;
    table.failure = error;
    this.#stopped.add(table.source);
    const metrics = this.#context.metrics.table(table.source);
    metrics.state = 'needs-resnapshot';
    metrics.reason = `${error.code}: ${error.message}`;
    this.#context.log.error(
      { error, table: table.source, offset: offset?.toJSON() },
      'table stopped, its later changes are not kept',
    );
  }

  #fileOptions(table: LakeTable): FileOptions {
    return {
      compression: this.#config.compression,
      targetFileBytes: this.#config.targetFileBytes,
      onSpecial: (column) => this.#context.metrics.table(table.source).special(column),
    };
  }

  #measure(changes: readonly TableChange[], durationMs: number): void {
    const { metrics } = this.#context;
    metrics.commits++;
    metrics.lastCommitMillis = Date.now();
    metrics.lastCommitDurationMs = durationMs;
    metrics.commitDurationMsTotal += durationMs;
    for (const { table, dataFiles, deleteFiles, validThroughMicros } of changes) {
      const own = metrics.table(table.source);
      own.commits++;
      own.rowsWritten += count(dataFiles);
      own.deletesWritten += count(deleteFiles);
      own.filesWritten += dataFiles.length + deleteFiles.length;
      own.bytesWritten += [...dataFiles, ...deleteFiles].reduce(
        (sum, file) => sum + Number(file.fileSizeBytes),
        0,
      );
      own.validThroughMicros = Math.max(own.validThroughMicros, validThroughMicros);
    }
  }
}

function tableGone(table: LakeTable): IcestreamError {
  return new IcestreamError(
    'iceberg.table-replaced',
    `${table.name} was dropped or recreated since the last commit`,
    {
      context: { table: table.name },
    },
  );
}

function stoppedBefore(table: LakeTable): IcestreamError {
  return new IcestreamError(
    'table.needs-resnapshot',
    `${table.source} had stopped, its changes since then are not in the lake`,
    {
      context: { table: table.source },
    },
  );
}

async function discard(work: TableWork): Promise<void> {
  const left = (await work.direct?.abort()) ?? [];
  await work.spill?.close();
  await removeFiles(work, [...left, ...work.files, ...work.discarded]);
}

function count(files: readonly DataFile[]): number {
  return files.reduce((sum, file) => sum + Number(file.recordCount), 0);
}

function stopsTable(error: IcestreamError): boolean {
  return error.code.startsWith('table.') || TABLE_CODES.has(error.code);
}

const TABLE_CODES = new Set(['iceberg.unsupported-table', 'iceberg.table-replaced']);

/** First cell of what is appended of a row: its new state, or the old one of a delete. */
function imageOf(batch: ChangeBatch, row: number): number {
  return batch.after[row] >= 0 ? batch.after[row] : batch.before[row];
}

function mergesRows(batch: ChangeBatch, source: string): boolean {
  for (let row = 0; row < batch.rowCount; row++) {
    const table = batch.tables[batch.tableOf[row]];
    if (table.name === source && rowPath(batch.op[row], batch.flags[row], true, false) === 'merge')
      return true;
  }
  return false;
}

function hasRows(table: LakeTable): boolean {
  return (table.loaded!.metadata['current-snapshot-id'] ?? null) !== null;
}

/** The lake applies truncates unless the user says otherwise (L-7); other operations only when named. */
function skippedOps(config: Readonly<Record<string, string>>): ReadonlySet<number> {
  const letters = (config['skipped.operations'] ?? '')
    .split(',')
    .map((letter) => letter.trim().toLowerCase());
  const codes = letters
    .map((letter) => OP_LETTERS.indexOf(letter as (typeof OP_LETTERS)[number]))
    .filter((code) => code > 0);
  return new Set([...codes, Op.message]);
}
