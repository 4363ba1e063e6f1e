import type { IndexColumns, RelationRow } from './pg-catalog.ts';
import type { ColumnFacts, PostgresTable } from './schema.ts';
import { Form, type RelationMessage, type RelationPlan } from './wire/relation.ts';

export function numbersOf(table: PostgresTable | undefined): Map<string, number> {
  const columns = table?.columns.filter(({ sourceId }) => sourceId !== null) ?? [];
  return new Map(columns.map(({ name, sourceId }) => [name, sourceId!]));
}

/** A table that was dropped since: what the message says is all that is left to know. */
export function relationOf(message: RelationMessage): RelationRow {
  return {
    oid: message.oid,
    schema: message.schema,
    name: message.table,
    kind: 'r',
    hasChildren: false,
    replicaIdentity: message.replicaIdentity,
    root: 0,
    rowEstimate: -1,
  };
}

/** The message flags the identity's columns of its time; where the catalog has others by now, those flags count. */
export function atTheTime(
  now: IndexColumns,
  message: RelationMessage,
  columns: readonly ColumnFacts[],
): IndexColumns {
  if (message.replicaIdentity === 'f' || message.replicaIdentity === 'n') return now;
  const keys = new Set(message.columns.filter(({ key }) => key).map(({ name }) => name));
  const flagged = columns
    .filter(({ name }) => keys.has(name))
    .map(({ attnum }) => attnum)
    .filter((attnum) => attnum !== null);
  const field = message.replicaIdentity === 'd' ? 'primaryKey' : 'replicaIndex';
  const isSame =
    now[field].length === flagged.length && now[field].every((attnum) => flagged.includes(attnum));
  return isSame ? now : { ...now, [field]: flagged };
}

export function planOf(
  table: PostgresTable,
  message: RelationMessage,
  parts: readonly number[] | null,
  cut: boolean,
): RelationPlan {
  const cellOf = new Int32Array(message.columns.length);
  const form = new Uint8Array(message.columns.length);
  message.columns.forEach(({ name }, wire) => {
    const index = table.columns.findIndex((column) => column.name === name);
    cellOf[wire] = index;
    form[wire] = index >= 0 && table.columns[index].wireFormat === 'text' ? Form.text : Form.binary;
  });
  return { table, cellOf, form, cut, parts };
}
