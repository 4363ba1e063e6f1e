import type { Client } from 'pg';
import { textCodec } from '../../../src/capture/postgres/codecs/text.ts';
import { copyRows } from '../../../src/capture/postgres/snapshot/copy.ts';
import type { BatchBuilder } from '../../../src/record/builder.ts';
import type { Offset } from '../../../src/record/offset.ts';
import type { TableSchema } from '../../../src/record/table.ts';

/** The rows of a query as cells in the binary form, through the snapshot's own reader. Null cells are null. */
export async function copyCells(
  client: Client,
  query: string,
  columns: number,
): Promise<(Buffer | null)[][]> {
  const rows: (Buffer | null)[][] = [];
  await copyRows(client, query, {
    columns,
    row: { table: anyTable(columns), mark: { id: '', timestampMicros: 0, offset: NO_OFFSET }, flags: 0 },
    batchBytes: 1 << 20,
    emit(builder) {
      rows.push(...rowsOf(builder));
      return null;
    },
    signal: new AbortController().signal,
  });
  return rows;
}

const NO_OFFSET: Offset = {
  epoch: 0,
  initialSnapshot: false,
  compare: () => 0,
  holds: () => 'none',
  onward: (next) => next,
  toJSON: () => ({}),
};

export function rowsOf(builder: BatchBuilder): (Buffer | null)[][] {
  const batch = builder.finish(null);
  const rows: (Buffer | null)[][] = [];
  for (let row = 0; row < batch.rowCount; row++) {
    const columns = batch.tables[batch.tableOf[row]].columns;
    rows.push(
      columns.map((_, column) => {
        const cell = batch.after[row] + column;
        if (batch.cellLength[cell] < 0) return null;
        const start = batch.cellStart[cell];
        return Buffer.from(batch.bytes.subarray(start, start + batch.cellLength[cell]));
      }),
    );
  }
  return rows;
}

export function anyTable(columns: number): TableSchema {
  return {
    id: { database: '', schema: 's', table: 't' },
    name: 's.t',
    version: 1,
    sourceId: '1',
    columns: Array.from({ length: columns }, (_, i) => ({
      name: `c${i}`,
      sourceId: i + 1,
      type: { kind: 'string' as const, length: null },
      sourceType: 'text',
      nullable: true,
      codec: textCodec,
      defaultCell: null,
    })),
    keyColumns: [],
    beforeColumns: [],
  };
}
