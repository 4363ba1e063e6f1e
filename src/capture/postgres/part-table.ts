import type { RelationRow } from './pg-catalog.ts';
import type { PostgresTable } from './schema.ts';

/**
 * A part of a partitioned table that is published by itself, its rows being rows of the whole as well: the whole's columns
 * come first, among them those that only the whole has (`hidden`), then what the column lists leave to the part alone.
 *
 * @param own the part as a table for itself
 */
export function publishedPart(whole: PostgresTable, own: PostgresTable): PostgresTable {
  const ownColumn = (name: string) => own.columns.find((column) => column.name === name);
  const columns = [
    // Numbers are each table's own.
    ...whole.columns.map((column) => ownColumn(column.name) ?? { ...column, sourceId: null }),
    ...own.columns.filter(({ name }) => whole.columns.every((column) => column.name !== name)),
  ];
  const hidden = new Set(whole.columns.map(({ name }) => name).filter((name) => !ownColumn(name)));
  const place = (index: number) => columns.findIndex(({ name }) => name === own.columns[index].name);
  return {
    ...own,
    columns,
    keyColumns: own.keyColumns.map(place),
    beforeColumns: own.beforeColumns.map(place),
    whole,
    hidden,
  };
}

/** A part whose rows are none but the whole's, for whoever reads them: of its own it has but its name. */
export function partToRead(whole: PostgresTable, { oid, schema, name }: RelationRow): PostgresTable {
  return {
    ...whole,
    id: { ...whole.id, schema, table: name },
    name: `${schema}.${name}`,
    oid,
    sourceId: String(oid),
    withChildren: false,
    whole,
  };
}
