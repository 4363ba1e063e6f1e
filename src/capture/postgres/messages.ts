import type { TableSchema } from '../../record/table.ts';

/**
 * Logical decoding messages (`pg_logical_emit_message`) travel as rows of this table with `Op.message`: column 0 the
 * prefix, column 1 the content.
 */
export function messageTable(database: string): TableSchema {
  const column = { sourceId: null, nullable: false, defaultCell: null };
  return {
    id: { database, schema: '', table: 'message' },
    name: 'message',
    version: 0,
    sourceId: 'message',
    columns: [
      {
        ...column,
        name: 'prefix',
        type: { kind: 'string', length: null },
        sourceType: 'text',
        codec: { read: (bytes, start, end, out) => out.utf8(bytes, start, end) },
      },
      {
        ...column,
        name: 'content',
        type: { kind: 'bytes' },
        sourceType: 'bytea',
        codec: { read: (bytes, start, end, out) => out.bytes(bytes, start, end) },
      },
    ],
    keyColumns: [],
    beforeColumns: [],
  };
}
