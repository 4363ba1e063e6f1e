/**
 * References to row images: image i is the cells that start at `cell[i]` of the micro-batch's batch number `batch[i]`,
 * under schema number `schema[i]` of its table; `row[i]` is its row in that batch.
 */
export class ImageList {
  batch: Int32Array;
  cell: Int32Array;
  row: Int32Array;
  schema: Uint16Array;
  count = 0;

  constructor(capacity = 256) {
    this.batch = new Int32Array(capacity);
    this.cell = new Int32Array(capacity);
    this.row = new Int32Array(capacity);
    this.schema = new Uint16Array(capacity);
  }

  push(batch: number, cell: number, row: number, schema: number): void {
    const i = this.count;
    if (i === this.batch.length) this.#grow();
    this.count = i + 1;
    this.set(i, batch, cell, row, schema);
  }

  set(i: number, batch: number, cell: number, row: number, schema: number): void {
    this.batch[i] = batch;
    this.cell[i] = cell;
    this.row[i] = row;
    this.schema[i] = schema;
  }

  get memoryBytes(): number {
    return this.batch.length * 14;
  }

  #grow(): void {
    const size = Math.max(64, this.batch.length * 2);
    const batch = new Int32Array(size);
    const cell = new Int32Array(size);
    const row = new Int32Array(size);
    const schema = new Uint16Array(size);
    batch.set(this.batch);
    cell.set(this.cell);
    row.set(this.row);
    schema.set(this.schema);
    this.batch = batch;
    this.cell = cell;
    this.row = row;
    this.schema = schema;
  }
}
