import type pg from 'pg';
import type { LoadedTable } from '../../src/iceberg/catalog/catalog.ts';
import { currentSchema } from '../../src/iceberg/metadata.ts';
import type { IcebergType } from '../../src/iceberg/schema.ts';
import type { LakeReader } from '../lake/reader.ts';

export interface Comparison {
  readonly table: string;
  readonly sourceRows: number;
  readonly lakeRows: number;
  /** Rows that are on one side only or differ. */
  readonly differences: number;
  /** The first few of them, by key. */
  readonly examples: readonly string[];
}

/**
 * Compares a table with its lake table row by row: every row of either side becomes one text, and the two multisets of
 * texts must be equal. Both sides print each type in the same way.
 */
export async function compareTable(
  client: pg.Client,
  table: string,
  lake: LoadedTable,
  reader: LakeReader,
): Promise<Comparison> {
  const columns = await sourceColumns(client, table);
  const fields = new Map(currentSchema(lake.metadata).fields.map((field) => [field.name, field.type]));
  const source = columns.map(({ name, type }) => sourceText(name, type)).join(', ');
  const select = columns
    .map(({ name, type }) => `${lakeText(name, fields.get(name), type)} AS ${quote(name)}`)
    .join(', ');
  const sourceRows = (await client.query({ text: `SELECT ${source} FROM ${table}`, rowMode: 'array' }))
    .rows as unknown[][];
  const lakeRows = (await reader.query(lake, select)).map((row) => Object.values(row));
  const counts = new Map<string, number>();
  for (const row of sourceRows) add(counts, rowText(row), 1);
  for (const row of lakeRows) add(counts, rowText(row), -1);
  const different = [...counts].filter(([, count]) => count !== 0);
  return {
    table,
    sourceRows: sourceRows.length,
    lakeRows: lakeRows.length,
    differences: different.reduce((sum, [, count]) => sum + Math.abs(count), 0),
    examples: different
      .slice(0, 4)
      .map(
        ([text, count]) => `${count > 0 ? 'only in PostgreSQL' : 'only in the lake'}: ${text.slice(0, 160)}`,
      ),
  };
}

function add(counts: Map<string, number>, text: string, by: number): void {
  counts.set(text, (counts.get(text) ?? 0) + by);
}

function rowText(row: readonly unknown[]): string {
  return row
    .map((value) => (value === null ? '␀' : typeof value === 'number' ? String(value) : String(value)))
    .join('│');
}

interface SourceColumn {
  readonly name: string;
  readonly type: string;
}

async function sourceColumns(client: pg.Client, table: string): Promise<SourceColumn[]> {
  const { rows } = await client.query(
    `SELECT attname AS name, format_type(atttypid, NULL) AS type FROM pg_attribute
     WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
    [table],
  );
  return rows as SourceColumn[];
}

function sourceText(name: string, type: string): string {
  const column = quote(name);
  switch (type) {
    case 'timestamp with time zone':
    case 'timestamp without time zone':
      return `(extract(epoch FROM ${column}) * 1000000)::bigint::text`;
    case 'time without time zone':
      return `(extract(epoch FROM ${column}) * 1000000)::bigint::text`;
    case 'boolean':
      return `${column}::text`;
    case 'bytea':
      return `encode(${column}, 'hex')`;
    case 'real':
    case 'double precision':
      return `${column}::float8`;
    case 'interval':
      return `extract(year FROM ${column})::int || ' ' || extract(month FROM ${column})::int || ' ' || extract(day FROM ${column})::int || ' ' ||
        (extract(epoch FROM ${column} - make_interval(years => extract(year FROM ${column})::int, months => extract(month FROM ${column})::int,
        days => extract(day FROM ${column})::int)) * 1000000)::bigint`;
    default:
      // concat prints by the type's output function, where a cast to text of an inet adds /32.
      return type.endsWith('[]')
        ? `to_json(${column})::text`
        : `CASE WHEN ${column} IS NOT NULL THEN concat(${column}) END`;
  }
}

function lakeText(name: string, type: IcebergType | undefined, sourceType: string): string {
  const column = quote(name);
  if (type === undefined) return 'NULL';
  if (sourceType === 'interval') return intervalParts(column);
  switch (type) {
    case 'timestamptz':
    case 'timestamp':
      return `epoch_us(${column})::VARCHAR`;
    case 'time':
      return `epoch_us(${column})::VARCHAR`;
    case 'binary':
      return `lower(hex(${column}))`;
    case 'float':
    case 'double':
      return `${column}::DOUBLE`;
    default:
      return typeof type === 'string' ? `${column}::VARCHAR` : `to_json(${column})::VARCHAR`;
  }
}

/** `P1Y2M3DT4H5M6.7S` as years, months, days and microseconds. */
function intervalParts(column: string): string {
  const number = (pattern: string) =>
    `coalesce(nullif(regexp_extract(${column}, '${pattern}', 1), '')::DECIMAL(18, 6), 0)`;
  const whole = (pattern: string) => `(${number(pattern)})::BIGINT`;
  const micros = `(${number('T(?:.*?)(-?\\d+)H')} * 3600000000 + ${number('T(?:.*[H])?(-?\\d+)M')} * 60000000 + ${number('(-?[\\d.]+)S')} * 1000000)::BIGINT`;
  const parts = [whole('P(-?\\d+)Y'), whole('P(?:-?\\d+Y)?(-?\\d+)M'), whole('^[^T]*?(-?\\d+)D'), micros];
  return `CASE WHEN ${column} IS NULL THEN NULL ELSE ${parts.join(" || ' ' || ")} END`;
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
