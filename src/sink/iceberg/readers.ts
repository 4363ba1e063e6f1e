import { nearestName } from '../../base/config.ts';
import { IcestreamError } from '../../base/errors.ts';
import { currentSchema, type TableMetadata } from '../../iceberg/metadata.ts';
import type { PartitionSpec } from '../../iceberg/schema.ts';
import type { TableSchema } from '../../record/table.ts';

/** What an engine makes of equality deletes; docs/readers.md says where each fact comes from. */
interface ReaderFacts {
  /** `unknown`: nobody has shown it. */
  readonly equalityDeletes: 'yes' | 'no' | 'unknown';
  /** Deletes of a partitioned table under an unpartitioned spec; otherwise they are ignored, or it was not tried. */
  readonly global?: true;
  /** Aborts on deletes of a partition once a partition value is NULL or two partitioned specs are live. */
  readonly needsOneSpecWithoutNull?: true;
  /** Partition columns must be part of the key, and the partitioning must never have changed. */
  readonly needsPartitionInKey?: true;
}

const ANY: ReaderFacts = { equalityDeletes: 'yes', global: true };
const SCOPED: ReaderFacts = { equalityDeletes: 'yes' };
const NONE: ReaderFacts = { equalityDeletes: 'no' };
const UNKNOWN: ReaderFacts = { equalityDeletes: 'unknown' };

/** The names that `iceberg.readers` takes. */
const READERS: Readonly<Record<string, ReaderFacts>> = {
  spark: ANY,
  trino: ANY,
  flink: SCOPED,
  'iceberg-go': ANY,
  'iceberg-rust': ANY,
  datafusion: ANY,
  sail: ANY,
  duckdb: { ...ANY, needsOneSpecWithoutNull: true },
  clickhouse: SCOPED,
  starburst: SCOPED,
  athena: SCOPED,
  starrocks: SCOPED,
  doris: SCOPED,
  impala: { ...SCOPED, needsPartitionInKey: true },
  hive: { ...SCOPED, needsPartitionInKey: true },
  snowflake: NONE,
  databricks: NONE,
  pyiceberg: NONE,
  polars: NONE,
  daft: NONE,
  redshift: UNKNOWN,
  bigquery: UNKNOWN,
};

/** What is wrong with `iceberg.readers`, in words; null: nothing. */
export function invalidReaders(readers: readonly string[], upsert: boolean): string | null {
  const known = Object.keys(READERS);
  for (const reader of readers) {
    if (known.includes(reader)) continue;
    const nearest = nearestName(reader, known);
    return `${reader} is not a known reader${nearest === null ? '' : ` (${nearest}?)`}; known are ${known.join(', ')}`;
  }
  const refusing = upsert ? readers.filter((reader) => READERS[reader].equalityDeletes === 'no') : [];
  if (refusing.length === 0) return null;
  return (
    `${refusing.join(', ')} cannot read equality deletes, by which rows are updated and deleted; ` +
    'append every change with iceberg.tables.upsert-mode-enabled=false, or leave out the reader'
  );
}

/** Those of whom nobody has shown that they read equality deletes. */
export function untriedReaders(readers: readonly string[]): string[] {
  return readers.filter((reader) => READERS[reader]?.equalityDeletes === 'unknown');
}

/**
 * How a table's deletes reach their rows (L-3): `none` are written; the table is `unpartitioned`; the `key` tells the
 * partition; it is looked up (`lookup`) in the lake; or they are `global`, under an unpartitioned spec.
 */
export type DeleteScope = 'none' | 'unpartitioned' | 'key' | 'lookup' | 'global';

export interface DeletePlan {
  readonly scope: DeleteScope;
  /** The spec of global deletes. */
  readonly spec: PartitionSpec | null;
}

/**
 * Scoped deletes are understood by every engine that reads equality deletes, but for the cases in which DuckDB aborts.
 * Global ones are written only there, and only where every reader is named and known to apply them.
 *
 * @throws IcestreamError table.unreadable when no way suits all readers
 */
export function planDeletes(
  metadata: TableMetadata,
  latest: TableSchema,
  readers: readonly string[],
): DeletePlan {
  if (latest.keyColumns.length === 0) return { scope: 'none', spec: null };
  const partitioned = metadata['partition-specs'].filter(isPartitioned);
  if (partitioned.length === 0) return { scope: 'unpartitioned', spec: null };
  const sources = sourceColumns(metadata, partitioned, latest);
  const inKey = sources.every(({ index }) => latest.keyColumns.includes(index));
  const facts = readers.map((reader) => READERS[reader]);
  const trouble = troubleOf(facts, partitioned.length > 1, sources, latest, inKey);
  if (trouble === null) return { scope: inKey ? 'key' : 'lookup', spec: null };
  const spec = metadata['partition-specs'].find(({ fields }) => fields.length === 0) ?? null;
  if (spec !== null && facts.every(({ global }) => global)) return { scope: 'global', spec };
  throw new IcestreamError(
    'table.unreadable',
    `not every one of iceberg.readers (${readers.join(', ')}) could read ${latest.name}: ${trouble}`,
    { context: { table: latest.name, readers: readers.join(',') } },
  );
}

interface SourceColumn {
  readonly name: string;
  /** In the source's table; -1: it is gone there, and NULL in every new row. */
  readonly index: number;
}

function isPartitioned(spec: PartitionSpec): boolean {
  return spec.fields.some(({ transform }) => transform !== 'void');
}

function sourceColumns(
  metadata: TableMetadata,
  specs: readonly PartitionSpec[],
  latest: TableSchema,
): SourceColumn[] {
  const { fields } = currentSchema(metadata);
  const ids = new Set(specs.flatMap((spec) => spec.fields.map((field) => field['source-id'])));
  return [...ids].map((id) => {
    const name = fields.find((field) => field.id === id)?.name ?? `with the id ${id}`;
    return { name, index: latest.columns.findIndex((column) => column.name === name) };
  });
}

/** Why some reader would not read deletes of single partitions rightly; null: all would. */
function troubleOf(
  facts: readonly ReaderFacts[],
  severalSpecs: boolean,
  sources: readonly SourceColumn[],
  latest: TableSchema,
  inKey: boolean,
): string | null {
  const oneSpec = facts.some((reader) => reader.needsOneSpecWithoutNull);
  const nullable = sources.find(
    ({ index }) => index < 0 || (latest.columns[index].nullable && !latest.keyColumns.includes(index)),
  );
  if (oneSpec && nullable !== undefined) return `its partition column ${nullable.name} can be NULL`;
  const partitionInKey = facts.some((reader) => reader.needsPartitionInKey);
  if ((oneSpec || partitionInKey) && severalSpecs) return 'it has been partitioned in two ways';
  const outside = sources.find(({ index }) => !latest.keyColumns.includes(index));
  if (partitionInKey && !inKey) return `its partition column ${outside?.name} is not part of the key`;
  return null;
}
