import type { Client } from 'pg';
import { type ChangeBatch, MAY_EXIST } from '../../../record/batch.ts';
import type { BatchBuilder } from '../../../record/builder.ts';
import type { Offset } from '../../../record/offset.ts';
import type { PostgresTable } from '../schema.ts';
import { quoteIdentifier, quoteLiteral } from '../sql.ts';
import type { WindowMark } from '../transaction.ts';
import { fromClause, selectList } from './chunks.ts';
import { copyRows } from './copy.ts';
import { keyText } from './keys.ts';
import type { Key } from './progress.ts';
import type { Watermarks } from './watermarks.ts';

export interface WindowOptions {
  readonly id: string;
  /** Null: the table is gone, the window is empty and the last one. */
  readonly table: PostgresTable | null;
  readonly key: readonly string[];
  readonly condition: string;
  readonly last: Key;
  readonly max: Key;
  readonly rows: number;
  readonly memoryBytes: number;
  readonly watermarks: Watermarks;
  /** What the server refuses is passed over, as Debezium does: nobody but the signal's sender wants it. */
  readonly mayFail: boolean;
  readonly signal: AbortSignal;
}

export interface WindowRows {
  readonly table: PostgresTable | null;
  readonly batches: readonly ChangeBatch[];
  readonly rowCount: number;
  readonly bytes: number;
  /** Key of the last row, null without rows, and the table's highest key when the first window was read. */
  readonly last: Key;
  readonly max: Key;
  readonly isLast: boolean;
  /** SQLSTATE of what the server refused; null: it did not. */
  readonly refused: string | null;
  /** True if the chunk did not see what this transaction did. */
  isInvisible(xid: number): boolean;
}

/** Low watermark, chunk, high watermark; the stream meets the marks while this goes on. */
export async function readWindow(client: Client, options: WindowOptions): Promise<WindowRows> {
  const { watermarks, id } = options;
  await watermarks.write(client, 'low', id);
  const rows = options.table === null ? noRows(null) : await tryChunk(client, options.table, options);
  await watermarks.write(client, 'high', id);
  return rows;
}

/** What a window over a table without rows would hold, read without one; null: there are rows. */
export async function readEmpty(
  client: Client,
  table: PostgresTable,
  condition: string,
): Promise<WindowRows | null> {
  const within = condition === '' ? '' : `WHERE ${condition}`;
  try {
    const { rowCount } = await client.query(`SELECT FROM ${fromClause(table)} ${within} LIMIT 1`);
    return rowCount === 0 ? noRows(table) : null;
  } catch (error) {
    // The window's own read tells of it.
    if (REFUSED.test(sqlState(error))) return null;
    throw error;
  }
}

function noRows(table: PostgresTable | null): WindowRows {
  return {
    table,
    batches: [],
    rowCount: 0,
    bytes: 0,
    last: null,
    max: null,
    isLast: true,
    refused: null,
    isInvisible: () => false,
  };
}

async function tryChunk(client: Client, table: PostgresTable, options: WindowOptions): Promise<WindowRows> {
  try {
    return await readChunk(client, table, options);
  } catch (error) {
    const state = sqlState(error);
    if (!options.mayFail || !REFUSED.test(state)) throw error;
    await client.query('ROLLBACK');
    return { ...noRows(null), table, refused: state };
  }
}

/** Classes of what will not pass: data, syntax and rights, functions. https://www.postgresql.org/docs/current/errcodes-appendix.html */
const REFUSED = /^(0A|22|2F|38|39|42|P0)/;

/** As the driver has it, or a COPY. */
function sqlState(error: unknown): string {
  const { code, context } = error as { code?: string; context?: { sqlstate?: unknown } };
  return String(context?.sqlstate ?? code ?? '');
}

async function readChunk(client: Client, table: PostgresTable, options: WindowOptions): Promise<WindowRows> {
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  await client.query(`SET LOCAL statement_timeout = 0; SET LOCAL datestyle = 'ISO'; SET LOCAL intervalstyle = 'postgres';
    SET LOCAL extra_float_digits = 1; SET LOCAL enable_seqscan = off`);
  const {
    rows: [{ snapshot }],
  } = await client.query<{ snapshot: string }>('SELECT pg_catalog.pg_current_snapshot()::text AS snapshot');
  const max =
    options.max ??
    (await lastKey(
      client,
      table,
      options,
      `${orderBy(options, 'DESC')} LIMIT 1`,
      where(table, options, null),
    ));
  const within = where(table, options, max);
  const limited = `${orderBy(options, 'ASC')} LIMIT ${options.rows}`;
  const query = `SELECT ${selectList(table)} FROM ${fromClause(table)} ${within} ${limited}`;
  const batches: ChangeBatch[] = [];
  let bytes = 0;
  const rowCount = await copyRows(client, query, {
    columns: table.columns.length,
    row: { table, mark: { id: '', timestampMicros: 0, offset: NO_OFFSET }, flags: MAY_EXIST },
    batchBytes: Math.min(4 << 20, Math.max(64 << 10, Math.floor(options.memoryBytes / 16))),
    emit(builder: BatchBuilder) {
      bytes += builder.byteLength;
      if (builder.rowCount > 0) batches.push(builder.finish(null));
      return null;
    },
    signal: options.signal,
  });
  const isShort = rowCount < options.rows;
  const end = isShort ? orderBy(options, 'DESC') : `${orderBy(options, 'ASC')} OFFSET ${rowCount - 1}`;
  const last = rowCount === 0 ? null : await lastKey(client, table, options, `${end} LIMIT 1`, within);
  await client.query('COMMIT');
  const isLast = isShort || isSameKey(last, max);
  const isInvisible = invisibleTo(snapshot);
  return { table, batches, rowCount, bytes, last, max, isLast, refused: null, isInvisible };
}

function isSameKey(one: Key, other: Key): boolean {
  return one !== null && other !== null && one.every((text, i) => text === other[i]);
}

/** The offset is given when the chunk's place in the log is known. */
const NO_OFFSET: Offset = {
  epoch: 0,
  initialSnapshot: false,
  compare: () => 0,
  holds: () => 'none',
  onward: (next) => next,
  toJSON: () => ({}),
};

function orderBy({ key }: WindowOptions, direction: 'ASC' | 'DESC'): string {
  return `ORDER BY ${key.map((name) => `${quoteIdentifier(name)} ${direction}`).join(', ')}`;
}

function where(table: PostgresTable, options: WindowOptions, max: Key): string {
  const left = `(${options.key.map(quoteIdentifier).join(', ')})`;
  const parts: string[] = [];
  if (options.condition !== '') parts.push(`(${options.condition})`);
  if (options.last !== null) parts.push(`${left} > ${literal(table, options.key, options.last)}`);
  if (max !== null) parts.push(`${left} <= ${literal(table, options.key, max)}`);
  return parts.length === 0 ? '' : `WHERE ${parts.join(' AND ')}`;
}

function literal(table: PostgresTable, key: readonly string[], values: readonly string[]): string {
  const texts = key.map((name, i) => {
    const { sourceType } = table.columns.find((column) => column.name === name)!;
    return `${quoteLiteral(values[i])}::${sourceType}`;
  });
  return `(${texts.join(', ')})`;
}

async function lastKey(
  client: Client,
  table: PostgresTable,
  { key }: WindowOptions,
  rest: string,
  condition: string,
): Promise<Key> {
  const columns = key.map(quoteIdentifier);
  const { rows } = await client.query<{ key: string[] }>(
    `SELECT ARRAY[${columns.map((column) => `${column}::text`).join(', ')}] AS key
     FROM (SELECT ${columns.join(', ')} FROM ${fromClause(table)} ${condition} ${rest}) AS t`,
  );
  return rows.length === 0 ? null : rows[0].key;
}

/**
 * `xmin:xmax:xip,...`: what is below xmin is visible, what is xmax or above is not, in between what is not listed is.
 * The log names transactions by their lower 32 bits; those compared here are recent ones.
 */
function invisibleTo(snapshot: string): (xid: number) => boolean {
  const [xmin, xmax, running] = snapshot.split(':');
  const low = (xid: string) => Number(BigInt(xid) & 0xffff_ffffn);
  const listed = new Set(
    running
      .split(',')
      .filter((xid) => xid !== '')
      .map(low),
  );
  const top = low(xmax);
  const bottom = low(xmin);
  return (xid) => {
    // By distance around the circle of 32 bits, as the server compares them.
    if (((xid - bottom) | 0) < 0) return false;
    return ((xid - top) | 0) >= 0 || listed.has(xid);
  };
}

/** Columns that chunks go along, or null where the sink could not tell one row from another. */
export function chunkKey(table: PostgresTable, surrogateKey: string): readonly string[] | null {
  if (table.keyColumns.length === 0) return null;
  const own = table.primaryKey.length > 0 ? table.primaryKey : table.uniqueKey;
  const key = surrogateKey === '' ? own : [surrogateKey];
  return key.length > 0 && key.every((name) => table.columns.some((column) => column.name === name))
    ? key
    : null;
}

/** Drops rows in place: the batch is ours alone. */
export function withoutChanged(
  batch: ChangeBatch,
  changed: ReadonlySet<string>,
  mark: WindowMark,
): ChangeBatch {
  const transactions = [mark];
  const table = batch.tables[0] as PostgresTable | undefined;
  if (table === undefined) return { ...batch, transactions };
  const { keyColumns, columns } = table;
  let kept = 0;
  for (let row = 0; row < batch.rowCount; row++) {
    const first = batch.after[row];
    if (changed.size > 0 && changed.has(keyText(batch, first, keyColumns, columns))) continue;
    batch.after[kept] = first;
    kept++;
  }
  batch.flags.fill(MAY_EXIST, 0, kept);
  return { ...batch, rowCount: kept, transactions };
}
