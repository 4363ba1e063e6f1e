import { type ChangeBatch, NULL_CELL, Op, UNCHANGED_CELL } from '../../record/batch.ts';
import { BatchBuilder } from '../../record/builder.ts';
import type { TableSchema } from '../../record/table.ts';

/**
 * Rows that a micro-batch had to put together itself (unchanged cells filled in) live in a batch of their own, number 0
 * of the micro-batch, which grows while the others are fixed.
 */
export class Overlay {
  readonly number = 0;
  readonly #batches: ChangeBatch[];
  #builder = new BatchBuilder(1024, 64, 16);
  #view: ChangeBatch | null = null;

  /** `batches` is the micro-batch's list; its place 0 is ours. */
  constructor(batches: ChangeBatch[]) {
    this.#batches = batches;
    this.batch();
  }

  /** The overlay's rows so far as a batch. */
  batch(): ChangeBatch {
    this.#view ??= this.#builder.finish(null);
    this.#batches[this.number] = this.#view;
    return this.#view;
  }

  batchNumber(number: number): ChangeBatch {
    return number === this.number ? this.batch() : this.#batches[number];
  }

  /** Begins an image and returns its first cell; one `copy` or `unchanged` per column follows, then `end`. */
  begin(schema: TableSchema): number {
    this.#view = null;
    this.#builder.ensureCells(schema.columns.length);
    return this.#builder.cellCount;
  }

  copy(batch: ChangeBatch, cell: number): void {
    const length = batch.cellLength[cell];
    if (length < 0) return this.#builder.cell(0, length);
    const start = batch.cellStart[cell];
    this.#builder.cell(this.#builder.append(batch.bytes, start, start + length), length);
  }

  value(bytes: Uint8Array | null): void {
    if (bytes === null) this.#builder.cell(0, NULL_CELL);
    else this.#builder.cell(this.#builder.append(bytes, 0, bytes.length), bytes.length);
  }

  unchanged(): void {
    this.#builder.cell(0, UNCHANGED_CELL);
  }

  /** Ends the image and returns its row number. */
  end(schema: TableSchema): number {
    this.#view = null;
    this.#builder.row(schema, Op.update, 0, -1, this.#builder.cellCount - schema.columns.length, 0, 0);
    return this.#builder.rowCount - 1;
  }

  /** Forgets everything; images that were handed out are void. */
  clear(): void {
    this.#builder = new BatchBuilder(1024, 64, 16);
    this.#view = null;
    this.batch();
  }

  get memoryBytes(): number {
    return this.#builder.bytes.length + this.#builder.cellStart.byteLength * 2;
  }
}
