import { type ChangeBatch, MAY_EXIST, NULL_CELL, Op, UNCHANGED_CELL } from '../../../src/record/batch.ts';
import { BatchBuilder } from '../../../src/record/builder.ts';
import type { Offset } from '../../../src/record/offset.ts';
import type { Column, TableSchema } from '../../../src/record/table.ts';
import type { Codec, ValueWriter } from '../../../src/record/value.ts';

/** A cell as tests write it: text, NULL, or unchanged (not in the log). */
export type TestCell = string | null | undefined;
export type TestRow = readonly TestCell[];

export interface TestChange {
  readonly op: 'r' | 'c' | 'u' | 'd' | 't';
  readonly before?: TestRow;
  readonly after?: TestRow;
  readonly mayExist?: boolean;
}

const textCodec: Codec = {
  read: (bytes, start, end, out: ValueWriter) => out.utf8(bytes, start, end),
};

/** A table of text columns. */
export function textTable(
  columns: readonly string[],
  key: readonly string[],
  options: { full?: boolean; version?: number; sourceIds?: readonly number[] } = {},
): TableSchema {
  const keyColumns = key.map((name) => columns.indexOf(name));
  return {
    id: { database: 'shop', schema: 'public', table: 't' },
    name: 'public.t',
    version: options.version ?? 1,
    sourceId: '1',
    columns: columns.map((name, i) =>
      textColumn(name, options.sourceIds?.[i] ?? i + 1, !keyColumns.includes(i)),
    ),
    keyColumns,
    beforeColumns: options.full ? columns.map((_, i) => i) : keyColumns,
  };
}

function textColumn(name: string, sourceId: number, nullable: boolean): Column {
  return {
    name,
    sourceId,
    type: { kind: 'string', length: null },
    sourceType: 'text',
    nullable,
    codec: textCodec,
    defaultCell: null,
  };
}

const OPS = { r: Op.read, c: Op.create, u: Op.update, d: Op.delete, t: Op.truncate };

export function testOffset(position: number, epoch = 0): Offset {
  return {
    epoch,
    initialSnapshot: false,
    compare: (other) => position - (other.toJSON()['position'] as number),
    holds: (mark) => (position >= (mark.toJSON()['position'] as number) ? 'all' : 'none'),
    onward: (next) =>
      position >= (next.toJSON()['position'] as number) ? testOffset(position, epoch) : next,
    toJSON: () => ({ position }),
  };
}

/** One transaction. */
export function changeBatch(table: TableSchema, changes: readonly TestChange[], position = 1): ChangeBatch {
  const builder = new BatchBuilder(64, 8, 4);
  const offset = testOffset(position);
  builder.transaction({ id: String(position), timestampMicros: position, offset });
  for (const change of changes) {
    const before = change.before === undefined ? -1 : image(builder, change.before);
    const after = change.after === undefined ? -1 : image(builder, change.after);
    builder.row(table, OPS[change.op], change.mayExist ? MAY_EXIST : 0, before, after, 0, position);
  }
  return builder.finish(offset);
}

function image(builder: BatchBuilder, row: TestRow): number {
  const first = builder.cellCount;
  for (const cell of row) {
    if (cell === null) builder.cell(0, NULL_CELL);
    else if (cell === undefined) builder.cell(0, UNCHANGED_CELL);
    else {
      const bytes = Buffer.from(cell);
      builder.cell(builder.append(bytes, 0, bytes.length), bytes.length);
    }
  }
  return first;
}

/** The cells of the image at `cell`, as tests write them. */
export function readImage(batch: ChangeBatch, cell: number, columns: number): TestCell[] {
  return Array.from({ length: columns }, (_, i) => {
    const length = batch.cellLength[cell + i];
    if (length === NULL_CELL) return null;
    if (length === UNCHANGED_CELL) return undefined;
    return Buffer.from(
      batch.bytes.subarray(batch.cellStart[cell + i], batch.cellStart[cell + i] + length),
    ).toString();
  });
}
