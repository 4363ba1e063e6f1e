import type { Queries } from '../pg-catalog.ts';
import type { PostgresTable } from '../schema.ts';
import { quoteIdentifier, quoteLiteral } from '../sql.ts';
import type { Key, KeyChunk } from './progress.ts';

/** One COPY's worth of a table. */
export interface Chunk {
  readonly query: string;
  /** Null for a chunk that counts only with its whole table. */
  readonly key: KeyChunk | null;
  /** An index is to be used: without statistics the planner would read the whole table for each chunk. */
  readonly byIndex: boolean;
}

/** Cuts a table into chunks, one at a time, so that later ones learn from earlier ones. */
export interface ChunkSource {
  /** The next chunk, or null. Never called while a call is pending. */
  next(queries: Queries): Promise<Chunk | null>;
  /** What the last chunks held, for the size of the next. */
  observe(chunk: Chunk, rows: number, bytes: number): void;
  /** How many there will be, as far as that can be told; exact when `next` has given the last one. */
  readonly expected: number;
}

/** Bytes that a chunk should have: enough to hide a query's round trip, little enough to repeat after a crash. */
export const CHUNK_BYTES = 64 * 1024 * 1024;
const PAGE_BYTES = 8192;

/** The columns of a table in the form that their codecs read. */
export function selectList(table: PostgresTable): string {
  const columns = table.columns.map(({ name, wireFormat }) => {
    const column = quoteIdentifier(name);
    return wireFormat === 'text' ? `${column}::text` : column;
  });
  return columns.join(', ');
}

/** Children by inheritance are tables of their own, in a lake; the parts of a partitioned table are not. */
export function fromClause(table: PostgresTable): string {
  const name = `${quoteIdentifier(table.id.schema)}.${quoteIdentifier(table.id.table)}`;
  return table.withChildren ? name : `ONLY ${name}`;
}

/** The whole table, or the user's own SELECT, in one go. */
export function wholeTable(table: PostgresTable, override: string | undefined): ChunkSource {
  const from = override === undefined ? fromClause(table) : `(${override.replace(/;\s*$/, '')}) AS t`;
  let chunk: Chunk | null = { query: `SELECT ${selectList(table)} FROM ${from}`, key: null, byIndex: false };
  return {
    async next() {
      const next = chunk;
      chunk = null;
      return next;
    },
    observe() {},
    expected: 1,
  };
}

/** Ranges of pages: the fastest way through a table, and the only one through a table without a key. */
export function pageRanges(table: PostgresTable): ChunkSource {
  let relations: { name: string; pages: number }[] | null = null;
  let page = 0;
  let expected = 1;
  const pagesPerChunk = CHUNK_BYTES / PAGE_BYTES;
  const chunksOf = ({ pages }: { pages: number }) => Math.max(1, Math.ceil(pages / pagesPerChunk));
  return {
    get expected() {
      return expected;
    },
    async next(queries) {
      if (relations === null) {
        relations = await leaves(queries, table);
        expected = relations.reduce((sum, relation) => sum + chunksOf(relation), 0);
      }
      const relation = relations[0];
      if (relation === undefined) return null;
      const from = page;
      page += pagesPerChunk;
      let where = `ctid >= '(${from},0)'::tid`;
      if (page < relation.pages) {
        where += ` AND ctid < '(${page},0)'::tid`;
      } else {
        // Open above: pages may have been added since the size was asked for.
        relations.shift();
        page = 0;
      }
      const query = `SELECT ${selectList(table)} FROM ONLY ${relation.name} WHERE ${where}`;
      return { query, key: null, byIndex: false };
    },
    observe() {},
  };
}

/** The table itself, and what inherits from it where that counts, or the parts of a partitioned one that hold rows. */
async function leaves(
  queries: Queries,
  { oid, withChildren }: PostgresTable,
): Promise<{ name: string; pages: number }[]> {
  const { rows } = await queries.query<{ name: string; pages: string }>(
    `SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) AS name,
       pg_catalog.pg_relation_size(c.oid) / pg_catalog.current_setting('block_size')::int8 AS pages
     FROM (WITH RECURSIVE tree(oid) AS (
         SELECT $1::oid WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_partitioned_table WHERE partrelid = $1)
         UNION SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN tree ON i.inhparent = tree.oid WHERE $2)
       SELECT oid FROM tree UNION SELECT relid FROM pg_catalog.pg_partition_tree($1) WHERE isleaf) l
     JOIN pg_catalog.pg_class c ON c.oid = l.oid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind = 'r' ORDER BY 1`,
    [oid, withChildren],
  );
  return rows.map(({ name, pages }) => ({ name, pages: Number(pages) }));
}

/** What is known of a table's size before it is read. */
export interface SizeEstimate {
  readonly rows: number;
  readonly bytes: number;
}

/**
 * Ranges of the primary key over what is left of the table. A single integer key is cut by arithmetic, whose steps
 * follow the density that was met; any other key by walking its index, a fraction of the cost of reading the rows.
 */
export function keyRanges(table: PostgresTable, gaps: readonly KeyChunk[], size: SizeEstimate): ChunkSource {
  const columns = table.primaryKey.map((name) => table.columns.find((column) => column.name === name)!);
  const rowBytes = size.rows > 0 ? Math.max(16, size.bytes / size.rows) : 200;
  let targetRows = Math.max(1, Math.round(CHUNK_BYTES / rowBytes));
  const remaining = [...gaps];
  const isInteger = columns.length === 1 && ['int16', 'int32', 'int64'].includes(columns[0].type.kind);
  const steps = isInteger ? integerSteps(table, size) : null;
  let cut = 0;

  const chunkOf = (key: KeyChunk): Chunk => {
    const where = keyPredicate(table, key.from, key.to);
    const query = `SELECT ${selectList(table)} FROM ${fromClause(table)}${where === '' ? '' : ` WHERE ${where}`}`;
    return { query, key, byIndex: where !== '' };
  };
  return {
    get expected() {
      if (remaining.length === 0) return cut;
      return Math.max(cut + remaining.length, Math.ceil(size.rows / targetRows));
    },
    async next(queries) {
      const gap = remaining[0];
      if (gap === undefined) return null;
      cut++;
      // A gap between chunks that were done is at most one chunk per connection: read as one.
      const isOpen = gap.last === Infinity;
      const to = !isOpen
        ? gap.to
        : steps === null
          ? await walk(queries, table, gap.from, targetRows)
          : await steps.next(queries, gap.from, targetRows);
      if (!isOpen || to === null) {
        remaining.shift();
        return chunkOf({ ...gap, last: isOpen ? gap.first : gap.last, to });
      }
      remaining[0] = { first: gap.first + 1, last: Infinity, from: to, to: null };
      return chunkOf({ first: gap.first, last: gap.first, from: gap.from, to });
    },
    observe({ key }, rows, bytes) {
      if (rows > 100) targetRows = Math.max(1, Math.round(CHUNK_BYTES / (bytes / rows)));
      if (key !== null) steps?.observe(key, rows);
    },
  };
}

/** Conditions for from < key <= to, '' for all rows. Comparing rows uses the key's index. */
export function keyPredicate(table: PostgresTable, from: Key, to: Key): string {
  const left = `(${table.primaryKey.map(quoteIdentifier).join(', ')})`;
  const parts: string[] = [];
  if (from !== null) parts.push(`${left} > ${keyLiteral(table, from)}`);
  if (to !== null) parts.push(`${left} <= ${keyLiteral(table, to)}`);
  return parts.join(' AND ');
}

export function keyLiteral(table: PostgresTable, key: readonly string[]): string {
  const values = table.primaryKey.map((name, i) => {
    const { sourceType } = table.columns.find((column) => column.name === name)!;
    return `${quoteLiteral(key[i])}::${sourceType}`;
  });
  return `(${values.join(', ')})`;
}

/** The key `rows` rows behind `from`, or null when there are fewer. */
async function walk(queries: Queries, table: PostgresTable, from: Key, rows: number): Promise<Key> {
  const keys = table.primaryKey.map(quoteIdentifier);
  const where = keyPredicate(table, from, null);
  const { rows: found } = await queries.query<{ key: string[] }>(
    `SELECT ARRAY[${keys.map((key) => `${key}::text`).join(', ')}] AS key FROM (
       SELECT ${keys.join(', ')} FROM ${fromClause(table)}${where === '' ? '' : ` WHERE ${where}`}
       ORDER BY ${keys.join(', ')} OFFSET ${rows} LIMIT 1) AS t`,
  );
  return found.length === 0 ? null : found[0].key;
}

interface IntegerSteps {
  next(queries: Queries, from: Key, targetRows: number): Promise<Key>;
  observe(chunk: KeyChunk, rows: number): void;
}

function integerSteps(table: PostgresTable, size: SizeEstimate): IntegerSteps {
  const key = quoteIdentifier(table.primaryKey[0]);
  let bounds: { min: bigint; max: bigint } | null = null;
  /** Rows per step of the key, 1 when there are no holes. */
  let density = 0;
  return {
    async next(queries, from, targetRows) {
      bounds ??= await integerBounds(
        queries,
        `SELECT min(${key})::text AS min, max(${key})::text AS max FROM ${fromClause(table)}`,
      );
      if (bounds === null) return null;
      const { min, max } = bounds;
      if (density === 0) density = Math.min(1, Math.max(size.rows, 1) / Number(max - min + 1n));
      const below = from === null ? min - 1n : BigInt(from[0]);
      const to = below + BigInt(Math.max(1, Math.ceil(targetRows / density)));
      return to >= max ? null : [to.toString()];
    },
    observe(chunk, rows) {
      if (bounds === null || chunk.to === null) return;
      const from = chunk.from === null ? bounds.min - 1n : BigInt(chunk.from[0]);
      const width = Number(BigInt(chunk.to[0]) - from);
      // At most four times as wide a step next: behind a hole the keys may be dense again.
      density = Math.max(rows / width, density / 4);
    },
  };
}

async function integerBounds(queries: Queries, sql: string): Promise<{ min: bigint; max: bigint } | null> {
  const { rows } = await queries.query<{ min: string | null; max: string | null }>(sql);
  const { min, max } = rows[0];
  return min === null || max === null ? null : { min: BigInt(min), max: BigInt(max) };
}
