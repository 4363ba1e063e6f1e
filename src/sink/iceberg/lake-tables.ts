import { asIcestreamError, IcestreamError } from '../../base/errors.ts';
import type { Offset } from '../../record/offset.ts';
import type { TableSchema } from '../../record/table.ts';
import type { SinkContext } from '../sink.ts';
import type { IcebergSinkConfig } from './config.ts';
import { LakeTable, tableReplaced } from './lake-table.ts';
import { identText, lakeIdent } from './naming.ts';
import { planDeletes } from './readers.ts';
import type { LakeState } from './recovery.ts';

/**
 * The tables of one pipeline, and which of them have stopped: what is wrong with one table stops that table alone
 * (invariant 6), and its later changes are not kept (L-5).
 */
export class LakeTables {
  readonly #config: IcebergSinkConfig;
  readonly #context: SinkContext;
  readonly #tables = new Map<string, LakeTable>();
  readonly #ahead: ReadonlyMap<string, Offset>;
  /** Lake tables that are not what the newest commit left, and how that shows (O-5). */
  readonly #lost: ReadonlyMap<string, string>;
  readonly #commits: ReadonlyMap<string, string>;
  /** UUIDs of all tables that the pipeline has written, by name. */
  readonly #uuids: Map<string, string>;
  /** Source tables that stopped and have not been replaced by a new snapshot since. */
  readonly #stopped: Set<string>;

  constructor(config: IcebergSinkConfig, context: SinkContext, { position, commits }: LakeState) {
    this.#config = config;
    this.#context = context;
    this.#ahead = position?.ahead ?? new Map();
    this.#lost = position?.lost ?? new Map();
    this.#stopped = new Set(position?.stopped);
    this.#commits = commits;
    this.#uuids = new Map(Object.entries(position?.tables ?? {}));
  }

  [Symbol.iterator](): Iterator<LakeTable> {
    return this.#tables.values();
  }

  /** Source names of the tables whose lake content is incomplete. */
  get stopped(): readonly string[] {
    return [...this.#stopped];
  }

  /** All tables of the pipeline with their UUIDs, when `members` are committed to. */
  uuids(members: readonly LakeTable[]): Record<string, string> {
    for (const table of members) this.#uuids.set(table.name, table.loaded!.metadata['table-uuid']);
    return Object.fromEntries(this.#uuids);
  }

  of(schema: TableSchema): LakeTable {
    const known = this.#tables.get(schema.name);
    if (known !== undefined) return known;
    const table = this.#add(schema);
    const lost = this.#lost.get(table.name);
    if (lost !== undefined) this.fail(table, tableReplaced(table.name, lost));
    else if (this.#stopped.has(table.source)) this.fail(table, stoppedBefore(table));
    return table;
  }

  /** A snapshot of the whole table begins: from here on it is written again. */
  restart(schema: TableSchema): void {
    if (this.#tables.get(schema.name)?.failure !== null) this.#add(schema).commitId = null;
  }

  /** The snapshot's end is part of the next commit, and that commit's marker no longer names the table. */
  restarted(table: LakeTable): void {
    this.#stopped.delete(table.source);
    const metrics = this.#context.metrics.table(table.source);
    metrics.state = 'ok';
    metrics.reason = '';
  }

  /** Says how deletes of the table will reach their rows. @throws IcestreamError table.unreadable */
  planDeletes(table: LakeTable): void {
    const { scope } = planDeletes(table.loaded!.metadata, table.latest!, table.readers);
    const metrics = this.#context.metrics.table(table.source);
    if (metrics.deletes === scope) return;
    metrics.deletes = scope;
    this.#context.log.info({ table: table.source, deletes: scope }, 'how deletes reach their rows');
  }

  /** Runs what may stop the table; null says that it did. */
  async guard<T>(table: LakeTable, run: () => Promise<T>): Promise<T | null> {
    try {
      return await run();
    } catch (error) {
      this.fail(table, error);
      return null;
    }
  }

  /** Stops the table, or throws the error on if it is not the table's. */
  fail(table: LakeTable, thrown: unknown): void {
    const error = asIcestreamError(thrown);
    if (!stopsTable(error)) throw thrown;
    table.failure = error;
    this.#stopped.add(table.source);
    const metrics = this.#context.metrics.table(table.source);
    metrics.state = 'needs-resnapshot';
    metrics.reason = `${error.code}: ${error.message}. ${error.hint}`;
    this.#context.log.error({ error, table: table.source }, 'table stopped, its later changes are not kept');
  }

  #add(schema: TableSchema): LakeTable {
    const ident = lakeIdent(this.#config, schema.id);
    const table = new LakeTable(schema.name, ident, this.#config.table(identText(ident), schema.name));
    table.readers = this.#config.readers;
    table.ahead = this.#ahead.get(table.name) ?? null;
    table.commitId = this.#commits.get(table.name) ?? 'none';
    this.#tables.set(schema.name, table);
    return table;
  }
}

function stopsTable(error: IcestreamError): boolean {
  return error.code.startsWith('table.') || TABLE_CODES.has(error.code);
}

const TABLE_CODES = new Set([
  'iceberg.unsupported-table',
  'iceberg.table-replaced',
  'iceberg.table-not-found',
  'iceberg.namespace-not-found',
]);

function stoppedBefore(table: LakeTable): IcestreamError {
  const message = `${table.source} had stopped, its changes since then are not in the lake`;
  return new IcestreamError('table.needs-resnapshot', message, { context: { table: table.source } });
}
