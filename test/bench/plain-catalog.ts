import type { TableCatalog } from '../../src/capture/postgres/parts.ts';
import { Form, type RelationMessage, type RelationPlan } from '../../src/capture/postgres/wire/relation.ts';
import type { Column, TableSchema } from '../../src/record/table.ts';

/**
 * Takes every table as its Relation message describes it, all columns as bytes: enough to see what the stream does
 * without the catalog look-ups and codecs of the real one.
 */
export function plainCatalog(): TableCatalog {
  return { relation: async (message) => plainPlan(message) };
}

export function plainPlan(message: RelationMessage): RelationPlan {
  const columns = message.columns.map(
    (column, i): Column => ({
      name: column.name,
      sourceId: i + 1,
      type: { kind: 'bytes' },
      sourceType: String(column.typeOid),
      nullable: true,
      codec: { read: (bytes, start, end, out) => out.bytes(bytes, start, end) },
      defaultCell: null,
    }),
  );
  const keys = message.columns.flatMap((column, i) => (column.key ? [i] : []));
  const table: TableSchema = {
    id: { database: 'postgres', schema: message.schema, table: message.table },
    name: `${message.schema}.${message.table}`,
    version: 1,
    sourceId: String(message.oid),
    columns,
    keyColumns: keys,
    beforeColumns: keys,
  };
  const cellOf = Int32Array.from(columns, (_, i) => i);
  return { table, cellOf, form: new Uint8Array(columns.length).fill(Form.any), cut: false };
}
