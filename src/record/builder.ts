import { type ChangeBatch, NO_LEASE, type OpCode, type TableMark, type TransactionMark } from './batch.ts';
import type { Offset } from './offset.ts';
import type { BatchArrays, BatchPool } from './pool.ts';
import type { TableSchema } from './table.ts';

/**
 * Fills one `ChangeBatch`. Decoders on the hot path append bytes with `reserve` and write `cellStart`/`cellLength`
 * themselves after `ensureCells`; everything grows by doubling.
 */
export class BatchBuilder {
  bytes: Buffer;
  byteLength = 0;
  cellStart: Int32Array<ArrayBuffer>;
  cellLength: Int32Array<ArrayBuffer>;
  cellCount = 0;
  rowCount = 0;
  #op: Uint8Array;
  #flags: Uint8Array;
  #tableOf: Int32Array;
  #before: Int32Array;
  #after: Int32Array;
  #transactionOf: Int32Array;
  #positionHi: Uint32Array;
  #positionLo: Uint32Array;
  readonly #tables: TableSchema[] = [];
  readonly #transactions: TransactionMark[] = [];
  readonly #tableMarks: TableMark[] = [];
  #lastTable: TableSchema | null = null;
  #lastTableIndex = -1;
  readonly #pool: BatchPool | null;

  /** Room for so much to begin with; with a `pool`, in arrays of an earlier batch where some fit. */
  constructor(bytes: number, cells: number, rows: number, pool: BatchPool | null = null) {
    const arrays = pool?.take(bytes) ?? newArrays(bytes, cells, rows);
    this.#pool = pool;
    this.bytes = arrays.bytes;
    this.cellStart = arrays.cellStart;
    this.cellLength = arrays.cellLength;
    this.#op = arrays.op;
    this.#flags = arrays.flags;
    this.#tableOf = arrays.tableOf;
    this.#before = arrays.before;
    this.#after = arrays.after;
    this.#transactionOf = arrays.transactionOf;
    this.#positionHi = arrays.positionHi;
    this.#positionLo = arrays.positionLo;
  }

  /** Makes room for `count` more bytes and returns where they go; the caller advances `byteLength`. */
  reserve(count: number): number {
    const needed = this.byteLength + count;
    if (needed > this.bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2));
      this.bytes.copy(grown, 0, 0, this.byteLength);
      this.bytes = grown;
    }
    return this.byteLength;
  }

  /** Copies source[start, end) into the arena and returns its position there. */
  append(source: Uint8Array, start: number, end: number): number {
    const at = this.reserve(end - start);
    this.bytes.set(start === 0 && end === source.length ? source : source.subarray(start, end), at);
    this.byteLength = at + end - start;
    return at;
  }

  /** Makes room for `count` more cells; the caller writes them at `cellCount` and advances it. */
  ensureCells(count: number): void {
    const needed = this.cellCount + count;
    if (needed <= this.cellStart.length) return;
    const size = Math.max(needed, this.cellStart.length * 2);
    this.cellStart = grownInt32(this.cellStart, size);
    this.cellLength = grownInt32(this.cellLength, size);
  }

  /** Appends one cell; `length` may be NULL_CELL or UNCHANGED_CELL. */
  cell(start: number, length: number): void {
    this.ensureCells(1);
    this.cellStart[this.cellCount] = start;
    this.cellLength[this.cellCount++] = length;
  }

  table(table: TableSchema): number {
    if (table === this.#lastTable) return this.#lastTableIndex;
    let index = this.#tables.indexOf(table);
    if (index < 0) index = this.#tables.push(table) - 1;
    this.#lastTable = table;
    this.#lastTableIndex = index;
    return index;
  }

  /** The transaction that the rows appended before `transaction` is called again belong to. */
  transaction(mark: TransactionMark): void {
    this.#transactions.push(mark);
  }

  mark(
    table: TableSchema,
    kind: TableMark['kind'],
    replace: boolean,
    more: Pick<TableMark, 'last' | 'offset'> = {},
  ): void {
    this.#tableMarks.push({ row: this.rowCount, table, kind, replace, ...more });
  }

  /** `before` and `after` are cell indexes or -1. The row belongs to the transaction begun last. */
  row(
    table: TableSchema,
    op: OpCode,
    flags: number,
    before: number,
    after: number,
    positionHi: number,
    positionLo: number,
  ): void {
    const i = this.rowCount;
    if (i === this.#op.length) this.#growRows();
    this.#op[i] = op;
    this.#flags[i] = flags;
    this.#tableOf[i] = this.table(table);
    this.#before[i] = before;
    this.#after[i] = after;
    this.#transactionOf[i] = this.#transactions.length - 1;
    this.#positionHi[i] = positionHi;
    this.#positionLo[i] = positionLo;
    this.rowCount = i + 1;
  }

  /** The batch so far; the builder of one from a pool must not be used any more. */
  finish(offset: Offset | null): ChangeBatch {
    const arrays: BatchArrays = {
      bytes: this.bytes,
      cellStart: this.cellStart,
      cellLength: this.cellLength,
      op: this.#op,
      flags: this.#flags,
      tableOf: this.#tableOf,
      before: this.#before,
      after: this.#after,
      transactionOf: this.#transactionOf,
      positionHi: this.#positionHi,
      positionLo: this.#positionLo,
    };
    return {
      ...arrays,
      byteLength: this.byteLength,
      cellCount: this.cellCount,
      rowCount: this.rowCount,
      tables: this.#tables,
      transactions: this.#transactions,
      tableMarks: this.#tableMarks,
      offset,
      lease: this.#pool?.lease(arrays) ?? NO_LEASE,
    };
  }

  #growRows(): void {
    const size = Math.max(64, this.#op.length * 2);
    this.#op = grownUint8(this.#op, size);
    this.#flags = grownUint8(this.#flags, size);
    this.#tableOf = grownInt32(this.#tableOf, size);
    this.#before = grownInt32(this.#before, size);
    this.#after = grownInt32(this.#after, size);
    this.#transactionOf = grownInt32(this.#transactionOf, size);
    this.#positionHi = grownUint32(this.#positionHi, size);
    this.#positionLo = grownUint32(this.#positionLo, size);
  }
}

function newArrays(bytes: number, cells: number, rows: number): BatchArrays {
  return {
    bytes: Buffer.allocUnsafeSlow(bytes),
    cellStart: new Int32Array(cells),
    cellLength: new Int32Array(cells),
    op: new Uint8Array(rows),
    flags: new Uint8Array(rows),
    tableOf: new Int32Array(rows),
    before: new Int32Array(rows),
    after: new Int32Array(rows),
    transactionOf: new Int32Array(rows),
    positionHi: new Uint32Array(rows),
    positionLo: new Uint32Array(rows),
  };
}

function grownInt32(array: Int32Array, size: number): Int32Array<ArrayBuffer> {
  const grown = new Int32Array(size);
  grown.set(array);
  return grown;
}

function grownUint32(array: Uint32Array, size: number): Uint32Array {
  const grown = new Uint32Array(size);
  grown.set(array);
  return grown;
}

function grownUint8(array: Uint8Array, size: number): Uint8Array {
  const grown = new Uint8Array(size);
  grown.set(array);
  return grown;
}
