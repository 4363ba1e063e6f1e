import { type IcestreamError as Failure, IcestreamError } from '../../base/errors.ts';
import { failpoint } from '../../base/failpoint.ts';
import type { Log } from '../../base/log.ts';
import type { Catalog, LoadedTable, TableIdent } from '../../iceberg/catalog/catalog.ts';
import { newTableMetadata } from '../../iceberg/create.ts';
import { assertWritable, currentSchema, specById, type TableMetadata } from '../../iceberg/metadata.ts';
import type { PartitionSpec } from '../../iceberg/schema.ts';
import type { TableUpdate } from '../../iceberg/update.ts';
import type { Offset } from '../../record/offset.ts';
import type { TableSchema } from '../../record/table.ts';
import {
  incompleteProperty,
  type MissingRows,
  markIncomplete,
  missingRows,
  readIncomplete,
} from './completeness.ts';
import type { IcebergSinkConfig, TableOptions } from './config.ts';
import { type ColumnIdentity, type EvolvedSchema, evolveLakeSchema, newLakeSchema } from './evolution.ts';
import { TYPE_MAPPING_VERSION } from './lake-type.ts';
import { readMarker } from './marker.ts';
import { identText } from './naming.ts';
import { parsePartitionBy } from './partition-by.ts';
import { planDeletes } from './readers.ts';

const COLUMNS_PROPERTY = 'icestream.columns';
const NEWLY_CAPTURED: MissingRows = { reason: 'the table is captured since this start', replace: false };
const MAPPING_PROPERTY = 'icestream.type-mapping';

/** One captured table and its place in the lake. */
export class LakeTable {
  /** Keys of the last micro-batch: about as many will come with the next. */
  keysExpected = 0;
  /** `schema.table` at the source. */
  readonly source: string;
  readonly ident: TableIdent;
  readonly name: string;
  readonly options: TableOptions;
  /** `iceberg.readers`: who is to read the table. */
  readers: readonly string[] = [];
  loaded: LoadedTable | null = null;
  /** The version of the source schema that the lake's schema was evolved to, with the key that is used here. */
  latest: TableSchema | null = null;
  /** As the source gave it; `latest` is derived from it. */
  #given: TableSchema | null = null;
  /** Why nothing more is written to this table (L-5), null while all is well. */
  failure: Failure | null = null;
  /**
   * Our newest commit to this table that we know of, `none` if there is none. Null: whatever is there is taken over,
   * because it is about to be replaced.
   */
  commitId: string | null = null;
  /** What the table holds beyond the position from which reading began again (O-4). */
  ahead: Offset | null = null;
  /** What the table lacks of the source's existing rows; null: nothing, as far as is known. */
  missing: MissingRows | null = null;
  readonly #versions = new Map<TableSchema, TableSchema>();

  constructor(source: string, ident: TableIdent, options: TableOptions) {
    this.source = source;
    this.ident = ident;
    this.name = identText(ident);
    this.options = options;
  }

  /** Whether `schema` is what the lake's schema was last brought up to. */
  isCurrent(schema: TableSchema): boolean {
    return this.#given === schema;
  }

  /** `schema` with the key that rows are merged by: configured id columns before the source's own key (L-9). */
  keyed(schema: TableSchema, upsert: boolean): TableSchema {
    let version = this.#versions.get(schema);
    if (version === undefined) this.#versions.set(schema, (version = withKey(schema, this.options, upsert)));
    return version;
  }

  /**
   * Loads or creates the table and brings its schema up to `schema`; `replacing` its content as a whole, so that columns
   * may become others.
   *
   * @throws IcestreamError iceberg.fenced where another instance has committed to it
   */
  async bringUp(
    schema: TableSchema,
    pipeline: string,
    catalog: Catalog,
    config: IcebergSinkConfig,
    log: Log,
    signal: AbortSignal,
    replacing = false,
  ): Promise<void> {
    const wanted = this.keyed(schema, config.upsert);
    await this.#load(pipeline, catalog, signal);
    if (this.loaded === null)
      this.loaded = await this.#create(wanted, pipeline, catalog, config, log, signal);
    else await this.#evolve(wanted, pipeline, catalog, config, log, signal, replacing);
    this.latest = wanted;
    this.#given = schema;
  }

  /**
   * Compares the table with what the source has now and finds existing rows that no event will bring: all of them where
   * the table is only made here (L-12). Answers what is missing and was not known of before; older findings are in
   * `missing`.
   */
  async findMissing(
    schema: TableSchema,
    pipeline: string,
    catalog: Catalog,
    config: IcebergSinkConfig,
    log: Log,
    signal: AbortSignal,
  ): Promise<MissingRows | null> {
    await this.#load(pipeline, catalog, signal);
    if (this.loaded === null) {
      this.missing = NEWLY_CAPTURED;
      await this.bringUp(schema, pipeline, catalog, config, log, signal);
      return NEWLY_CAPTURED;
    }
    const found = missingRows(identityOf(this.loaded), schema);
    if (found === null) return null;
    await this.lacks(found, pipeline, catalog, signal);
    return found;
  }

  /** Remembers what is missing, whatever happens before it is there. */
  async lacks(missing: MissingRows, pipeline: string, catalog: Catalog, signal: AbortSignal): Promise<void> {
    this.missing = missing;
    this.loaded = await markIncomplete(this.loaded!, pipeline, missing, catalog, signal);
  }

  /** All rows are there by now. */
  async complete(pipeline: string, catalog: Catalog, signal: AbortSignal): Promise<void> {
    this.missing = null;
    if (this.loaded === null || readIncomplete(this.loaded, pipeline) === null) return;
    this.loaded = await markIncomplete(this.loaded, pipeline, null, catalog, signal);
  }

  async #load(pipeline: string, catalog: Catalog, signal: AbortSignal): Promise<void> {
    const isFirst = this.loaded === null;
    this.loaded ??= await loadIfThere(catalog, this.ident, signal);
    this.checkNewestCommit(pipeline);
    if (isFirst && this.loaded !== null) this.missing = readIncomplete(this.loaded, pipeline);
  }

  /**
   * The newest marker must be that of our own last commit: else another instance writes (O-6), or it was rolled back (O-5).
   * Whoever waited for the slot while another one wrote has an old position, too, and must begin again from the new one.
   */
  checkNewestCommit(pipeline: string): void {
    if (this.commitId === null) return;
    const found = (this.loaded === null ? null : readMarker(this.loaded, pipeline))?.commitId ?? 'none';
    if (found === this.commitId) return;
    if (found === 'none') throw tableReplaced(this.name, 'lost what this connector had written');
    throw new IcestreamError(
      'iceberg.fenced',
      `${this.name} has a commit of this connector that this task did not make`,
      { context: { table: this.name, expected: this.commitId, found } },
    );
  }

  async #create(
    schema: TableSchema,
    pipeline: string,
    catalog: Catalog,
    config: IcebergSinkConfig,
    log: Log,
    signal: AbortSignal,
  ): Promise<LoadedTable> {
    if (!config.autoCreate) {
      throw new IcestreamError('iceberg.table-not-found', `the lake table ${this.name} does not exist`, {
        context: { table: this.name },
      });
    }
    const evolved = newLakeSchema(schema);
    const specs = parsePartitionBy(this.options.partitionBy, evolved.schema, schema);
    const first = { ident: this.ident, schema: evolved.schema, specs, properties: {} };
    planDeletes(newTableMetadata(first, ''), schema, this.readers);
    await catalog.ensureNamespace(this.ident.namespace, signal);
    const properties = {
      ...DEFAULT_PROPERTIES,
      ...config.createProperties,
      ...identityProperties(evolved.identity),
      ...(this.missing === null ? {} : incompleteProperty(pipeline, this.missing)),
    };
    try {
      const loaded = await catalog.create(
        { ident: this.ident, schema: evolved.schema, specs, properties },
        signal,
      );
      log.info({ table: this.name, source: this.source }, 'lake table created');
      failpoint('table.created');
      return loaded;
    } catch (error) {
      if (!(error instanceof IcestreamError) || error.code !== 'iceberg.table-exists') throw error;
      return catalog.load(this.ident, signal);
    }
  }

  async #evolve(
    schema: TableSchema,
    pipeline: string,
    catalog: Catalog,
    config: IcebergSinkConfig,
    log: Log,
    signal: AbortSignal,
    replacing: boolean,
  ): Promise<void> {
    for (;;) {
      const table = this.loaded!;
      const { metadata } = table;
      assertWritable(metadata);
      const evolved = evolveLakeSchema(
        currentSchema(metadata),
        metadata['last-column-id'],
        identityOf(table),
        schema,
        replacing ? { pinned: partitionSources(metadata) } : null,
      );
      const missing = replacing ? null : missingRows(identityOf(table), schema);
      const identity = {
        ...identityProperties(evolved.identity),
        // The source reads the rows again by itself; only a crash before that would need this.
        ...(missing === null ? {} : incompleteProperty(pipeline, missing)),
      };
      if (
        evolved.changes.length === 0 &&
        metadata.properties?.[COLUMNS_PROPERTY] === identity[COLUMNS_PROPERTY]
      )
        return;
      if (evolved.changes.length > 0 && !config.evolveSchema) {
        throw new IcestreamError(
          'table.incompatible-schema',
          `${this.name} would have to change (${evolved.changes.join(', ')}) but iceberg.tables.evolve-schema-enabled is false`,
          {
            context: { table: this.source },
          },
        );
      }
      try {
        [this.loaded] = await catalog.commit(
          [{ ident: this.ident, ...schemaCommit(table, evolved, identity) }],
          signal,
        );
        failpoint('table.evolved');
        if (missing !== null) this.missing = missing;
        if (evolved.changes.length > 0)
          log.info({ table: this.name, changes: evolved.changes }, 'lake schema evolved');
        return;
      } catch (error) {
        if (!(error instanceof IcestreamError) || !RELOADABLE.has(error.code)) throw error;
        this.loaded = await catalog.load(this.ident, signal);
      }
    }
  }
}

/** After these the table is loaded again and the change computed anew; applying it twice changes nothing. */
const RELOADABLE = new Set(['iceberg.commit-conflict', 'iceberg.commit-unknown']);

const DEFAULT_PROPERTIES = {
  'write.format.default': 'parquet',
  'write.delete.mode': 'merge-on-read',
  'write.update.mode': 'merge-on-read',
  'write.merge.mode': 'merge-on-read',
  'write.metadata.delete-after-commit.enabled': 'true',
  'write.metadata.previous-versions-max': '20',
  [MAPPING_PROPERTY]: String(TYPE_MAPPING_VERSION),
};

export async function loadIfThere(
  catalog: Catalog,
  ident: TableIdent,
  signal: AbortSignal,
): Promise<LoadedTable | null> {
  try {
    return await catalog.load(ident, signal);
  } catch (error) {
    if (
      error instanceof IcestreamError &&
      (error.code === 'iceberg.table-not-found' || error.code === 'iceberg.namespace-not-found')
    )
      return null;
    throw error;
  }
}

function partitionSources(metadata: TableMetadata): Set<number> {
  return new Set(
    metadata['partition-specs'].flatMap(({ fields }) => fields.map((field) => field['source-id'])),
  );
}

export function defaultSpec(table: LoadedTable): PartitionSpec {
  return specById(table.metadata, table.metadata['default-spec-id']);
}

/** O-5: what became of a lake table behind the connector's back stops that table. */
export function tableReplaced(name: string, what: string): IcestreamError {
  return new IcestreamError('iceberg.table-replaced', `the lake table ${name} ${what}`, {
    context: { table: name },
  });
}

function schemaCommit(table: LoadedTable, evolved: EvolvedSchema, identity: Record<string, string>) {
  const { metadata } = table;
  const updates: TableUpdate[] = [{ action: 'set-properties', updates: identity }];
  if (evolved.changes.length > 0) {
    updates.unshift(
      { action: 'add-schema', schema: evolved.schema, 'last-column-id': evolved.lastColumnId },
      { action: 'set-current-schema', 'schema-id': -1 },
    );
  }
  return {
    requirements: [
      { type: 'assert-table-uuid', uuid: metadata['table-uuid'] },
      { type: 'assert-current-schema-id', 'current-schema-id': metadata['current-schema-id'] },
      { type: 'assert-last-assigned-field-id', 'last-assigned-field-id': metadata['last-column-id'] },
    ] as const,
    updates,
  };
}

function identityOf(table: LoadedTable): ColumnIdentity | null {
  const text = table.metadata.properties?.[COLUMNS_PROPERTY];
  return text === undefined ? null : (JSON.parse(text) as ColumnIdentity);
}

function identityProperties(identity: ColumnIdentity): Record<string, string> {
  return { [COLUMNS_PROPERTY]: JSON.stringify(identity) };
}

function withKey(schema: TableSchema, options: TableOptions, upsert: boolean): TableSchema {
  if (!upsert) return { ...schema, keyColumns: [] };
  if (options.idColumns === null) return schema;
  const keyColumns = options.idColumns.map((name) => {
    const index = schema.columns.findIndex((column) => column.name === name);
    if (index >= 0) return index;
    throw new IcestreamError(
      'table.key-not-in-image',
      `id column ${name} is not a column of ${schema.name}`,
      {
        context: { table: schema.name, column: name },
      },
    );
  });
  const missing = keyColumns.find((column) => !schema.beforeColumns.includes(column));
  if (missing !== undefined) {
    throw new IcestreamError(
      'table.key-not-in-image',
      `id column ${schema.columns[missing].name} is not in what ${schema.name} logs of a deleted row`,
      {
        context: { table: schema.name, column: schema.columns[missing].name },
      },
    );
  }
  return { ...schema, keyColumns };
}
