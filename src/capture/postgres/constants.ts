import type { Client } from 'pg';
import type { BatchBuilder } from '../../record/builder.ts';
import type { PgType } from './codecs/index.ts';
import type { ColumnFacts } from './schema.ts';
import { copyRows } from './snapshot/copy.ts';

/**
 * Constant defaults (`defaults`) and the values of rows older than their column (`missing`, P-3) as binary cells, by
 * column name. The server computes them, so that they are exactly what it would store.
 */
export async function readConstants(
  client: Client,
  relation: number,
  columns: readonly ColumnFacts[],
  lookup: (oid: number) => PgType | undefined,
  signal: AbortSignal,
): Promise<{ defaults: Map<string, Uint8Array>; missing: Map<string, Uint8Array> }> {
  const defaults = new Map<string, Uint8Array>();
  const missing = new Map<string, Uint8Array>();
  const wanted: { into: Map<string, Uint8Array>; name: string; sql: string }[] = [];
  for (const { name, attribute } of columns) {
    // A type without send function cannot be copied in binary; its defaults are not worth another way.
    if (attribute === null || (lookup(attribute.typeOid)?.send ?? '') === '') continue;
    if (attribute.defaultSql !== null && isConstant(attribute.defaultSql)) {
      wanted.push({ into: defaults, name, sql: `(${attribute.defaultSql})::${attribute.sourceType}` });
    }
    if (attribute.hasMissing) {
      // An array of one value, kept as text twice: element by element it is any type's own text form.
      const value = `((SELECT attmissingval::text::text[] FROM pg_catalog.pg_attribute WHERE attrelid = ${relation} AND attnum = ${attribute.number}))[1]`;
      wanted.push({ into: missing, name, sql: `(${value})::${attribute.sourceType}` });
    }
  }
  if (wanted.length === 0) return { defaults, missing };
  const cells = await copyRow(
    client,
    `SELECT ${wanted.map(({ sql }) => sql).join(', ')}`,
    wanted.length,
    signal,
  );
  wanted.forEach(({ into, name }, i) => {
    const cell = cells[i];
    if (cell !== null) into.set(name, cell);
  });
  return { defaults, missing };
}

/** A literal, perhaps cast: nothing that calls, so nothing that differs from row to row. */
function isConstant(sql: string): boolean {
  return /^\(?(?:'(?:[^']|'')*'|-?\d+(?:\.\d+)?|\(-\d+(?:\.\d+)?\)|true|false)\)?(?:::[\w ."[\](),]+)*$/i.test(
    sql,
  );
}

async function copyRow(
  client: Client,
  query: string,
  columns: number,
  signal: AbortSignal,
): Promise<(Uint8Array | null)[]> {
  const cells: (Uint8Array | null)[] = [];
  const emit = (builder: BatchBuilder) => {
    for (let cell = 0; cell < builder.cellCount; cell++) {
      const length = builder.cellLength[cell];
      const start = builder.cellStart[cell];
      cells.push(length < 0 ? null : Uint8Array.prototype.slice.call(builder.bytes, start, start + length));
    }
    return null;
  };
  await copyRows(client, query, { columns, row: null, batchBytes: 64 * 1024, emit, signal });
  return cells;
}
