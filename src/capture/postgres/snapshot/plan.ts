import type { PostgresConfig } from '../config.ts';
import type { Queries } from '../pg-catalog.ts';
import type { PostgresTable } from '../schema.ts';
import { CHUNK_BYTES, type ChunkSource, keyRanges, pageRanges, wholeTable } from './chunks.ts';
import type { ReadProgress } from './progress.ts';

/** How one table is read. */
export interface TablePlan {
  readonly table: PostgresTable;
  readonly chunks: ChunkSource;
  /** Chunks are remembered one by one; else the table starts over after a crash and replaces its content. */
  readonly resumable: boolean;
  /** Planner's estimate, -1 unknown. */
  readonly rowEstimate: number;
}

/** What decides about the way through a table. */
interface TableFacts {
  readonly rows: number;
  readonly bytes: number;
  /** How much the rows lie in the order of the key's first column, 0..1; null unknown. */
  readonly correlation: number | null;
}

/** Below this an index scan jumps about in the table, and every chunk would touch most of its pages. */
const CORRELATION_MIN = 0.5;

/**
 * Key ranges where they can be resumed and cost about what a plain scan does, else page ranges.
 *
 * @param replace the content is to be replaced at once in the end (L-6): chunks cannot count before
 */
export async function planTable(
  queries: Queries,
  table: PostgresTable,
  progress: ReadProgress,
  replace: boolean,
  threads: number,
  config: PostgresConfig,
): Promise<TablePlan> {
  const facts = await readFacts(queries, table);
  const override = overrideOf(table, config);
  const plan = { table, rowEstimate: facts.rows, resumable: false };
  if (override !== undefined) return { ...plan, chunks: wholeTable(table, override) };
  const isBegun = progress.isBegun(table.name, table.oid);
  if (!replace && hasKey(table) && (isBegun || isOrdered(table, facts))) {
    return {
      ...plan,
      resumable: true,
      chunks: keyRanges(table, progress.gaps(table.name, table.oid), facts),
    };
  }
  return { ...plan, chunks: threads > 1 ? pageRanges(table) : wholeTable(table, undefined) };
}

/** The sink can take a row twice only by a key, and chunks go along the primary key. */
function hasKey(table: PostgresTable): boolean {
  if (table.keyColumns.length === 0 || table.primaryKey.length === 0) return false;
  return table.primaryKey.every((name) => table.columns.some((column) => column.name === name));
}

function isOrdered(table: PostgresTable, facts: TableFacts): boolean {
  if (facts.bytes <= CHUNK_BYTES) return true;
  if (facts.correlation !== null) return facts.correlation >= CORRELATION_MIN;
  const first = table.columns.find(({ name }) => name === table.primaryKey[0])!;
  return first.type.kind !== 'uuid';
}

function overrideOf(table: PostgresTable, config: PostgresConfig): string | undefined {
  const { database } = table.id;
  return config.selectOverrides.get(table.name) ?? config.selectOverrides.get(`${database}.${table.name}`);
}

async function readFacts(queries: Queries, table: PostgresTable): Promise<TableFacts> {
  const { rows } = await queries.query<{ rows: number; bytes: number; correlation: number | null }>(
    `SELECT coalesce(sum(CASE WHEN c.reltuples >= 0 THEN c.reltuples END), -1)::float8 AS rows,
       coalesce(sum(pg_catalog.pg_table_size(c.oid)), 0)::float8 AS bytes,
       (SELECT abs(correlation)::float8 FROM pg_catalog.pg_stats
        WHERE schemaname = $2 AND tablename = $3 AND attname = $4 AND NOT inherited) AS correlation
     FROM pg_catalog.pg_class c
     WHERE c.relkind = 'r' AND (c.oid = $1 OR c.oid IN (SELECT relid FROM pg_catalog.pg_partition_tree($1) WHERE isleaf))`,
    [table.oid, table.id.schema, table.id.table, table.primaryKey[0] ?? ''],
  );
  return rows[0];
}
