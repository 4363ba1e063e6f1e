import { IcestreamError } from '../../../base/errors.ts';
import { NULL_CELL, UNCHANGED_CELL } from '../../../record/batch.ts';
import type { BatchBuilder } from '../../../record/builder.ts';
import { Byte } from './frames.ts';
import type { RelationPlan } from './relation.ts';

/** By `Form`. */
const LETTERS = [Byte.cellText, Byte.cellBinary, 0] as const;

/** A relation as the hot path wants it: everything worked out once. */
export class RowPlan {
  readonly plan: RelationPlan;
  readonly oid: number;
  readonly cellOf: Int32Array;
  /** Per wire column the letter that its cell must bear, 0 when any will do. */
  readonly letter: Uint8Array;
  readonly cells: number;
  /** Some cells of an image come from no wire column (a column outside the publication's list): they are null. */
  readonly sparse: boolean;

  constructor(oid: number, plan: RelationPlan) {
    this.plan = plan;
    this.oid = oid;
    this.cellOf = plan.cellOf;
    this.letter = Uint8Array.from(plan.form, (form, i) => (plan.cellOf[i] < 0 ? 0 : LETTERS[form]));
    this.cells = plan.table.columns.length;
    this.sparse = new Set(plan.cellOf.filter((cell) => cell >= 0)).size < this.cells;
  }
}

/**
 * TupleData at bytes[at, end), where the bytes already lie in the builder's arena, as one image:
 *
 *   Int16 count, count times { 'n' | 'u' | 't' Int32 length, text | 'b' Int32 length, binary }
 *
 * Returns the position behind it. The image's first cell is the builder's `cellCount` before the call.
 */
export function readTuple(builder: BatchBuilder, at: number, end: number, row: RowPlan): number {
  const bytes = builder.bytes;
  const { cellOf, letter } = row;
  const count = cellOf.length;
  if (at + 2 > end || ((bytes[at] << 8) | bytes[at + 1]) !== count) throw malformed(row, 'column count', -1);
  builder.ensureCells(row.cells);
  const { cellStart, cellLength } = builder;
  const first = builder.cellCount;
  if (row.sparse) cellLength.fill(NULL_CELL, first, first + row.cells);
  let position = at + 2;
  for (let i = 0; i < count; i++) {
    if (position >= end) throw malformed(row, 'ends too early', i);
    const kind = bytes[position];
    const cell = cellOf[i];
    if (kind === Byte.cellNull || kind === Byte.cellUnchanged) {
      position++;
      if (cell >= 0) {
        cellStart[first + cell] = position;
        cellLength[first + cell] = kind === Byte.cellNull ? NULL_CELL : UNCHANGED_CELL;
      }
      continue;
    }
    const start = position + 5;
    if (start > end) throw malformed(row, 'ends too early', i);
    const length =
      (bytes[position + 1] << 24) |
      (bytes[position + 2] << 16) |
      (bytes[position + 3] << 8) |
      bytes[position + 4];
    if (length < 0 || length > end - start) throw malformed(row, 'cell length', i);
    if (kind !== letter[i]) requireForm(row, kind, i);
    if (cell >= 0) {
      cellStart[first + cell] = start;
      cellLength[first + cell] = length;
    }
    position = start + length;
  }
  builder.cellCount = first + row.cells;
  return position;
}

/** The codec was chosen for one form; another one would be read as nonsense. */
function requireForm(row: RowPlan, kind: number, column: number): void {
  if (kind !== Byte.cellText && kind !== Byte.cellBinary) throw malformed(row, 'cell kind', column);
  if (row.letter[column] === 0) return;
  const table = row.plan.table;
  throw new IcestreamError(
    'table.unsupported-type',
    `the server sent a column as ${kind === Byte.cellText ? 'text' : 'binary'}, which its codec does not read`,
    { context: { table: table.name, column: table.columns[row.cellOf[column]].name } },
  );
}

function malformed(row: RowPlan, what: string, column: number): IcestreamError {
  return new IcestreamError('postgres.protocol', `malformed row: ${what}`, {
    context: { table: row.plan.table.name, wireColumn: column },
  });
}
