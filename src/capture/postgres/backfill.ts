import type { PostgresTable } from './schema.ts';

/** The rows under this name are others than before, or are under another name (P-3). */
export function isAnotherTable(previous: PostgresTable, table: PostgresTable): boolean {
  return previous.oid !== table.oid || previous.name !== table.name;
}

/**
 * Why rows older than a change of their table must be read again, or null (P-3): the log says nothing of a default for
 * existing rows, nor of what ALTER COLUMN ... TYPE made of their values.
 */
export function backfillReason(previous: PostgresTable, table: PostgresTable): string | null {
  if (previous.oid !== table.oid) return 'the table was dropped and created again';
  if (previous.name !== table.name) return `the table was renamed from ${previous.name}`;
  for (const column of table.columns) {
    const before = previous.columns.find(
      ({ sourceId, name }) => (sourceId ?? name) === (column.sourceId ?? column.name),
    );
    if (before === undefined) {
      if (column.added !== 'none') return `column ${column.name} was added with a default`;
    } else if (before.typeOid !== column.typeOid) {
      return `column ${column.name} has changed its type`;
    }
  }
  return null;
}
