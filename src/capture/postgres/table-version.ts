import type { PostgresTable } from './schema.ts';

/** Everything of a table that makes a version, as text. */
export function signatureOf(table: PostgresTable): string {
  return JSON.stringify([
    table.name,
    table.oid,
    table.replicaIdentity,
    table.primaryKey,
    table.uniqueKey,
    table.keyColumns,
    table.beforeColumns,
    table.asStreamed,
    table.columns.map((column) => [
      column.name,
      column.sourceId,
      column.type,
      column.typeOid,
      column.typmod,
      column.sourceType,
      column.nullable,
      column.defaultSql,
      column.defaultCell === null ? null : Buffer.from(column.defaultCell).toString('hex'),
      column.missingCell === null ? null : Buffer.from(column.missingCell).toString('hex'),
    ]),
  ]);
}
