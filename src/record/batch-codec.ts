import { IcestreamError } from '../base/errors.ts';
import type { ChangeBatch, TableMark, TransactionMark } from './batch.ts';
import { NO_LEASE } from './batch.ts';
import type { Notification } from './notification.ts';
import type { Offset, OffsetCodec, OffsetJson } from './offset.ts';
import type { TableSchema } from './table.ts';

/** How a source's transaction marks are kept while batches wait on disk: text that only it reads. */
export interface MarkCodec {
  write(marks: readonly TransactionMark[]): string;
  /** `last` was handed out last: a transaction that goes on in this batch is the same object in it. */
  read(text: string, last: TransactionMark | null): TransactionMark[];
}

type StoredOffset = readonly [epoch: number, json: OffsetJson] | null;

interface Header {
  readonly rows: number;
  readonly cells: number;
  readonly bytes: number;
  readonly repair?: boolean;
  readonly notifications?: readonly Notification[];
  readonly tables: readonly number[];
  readonly tableMarks: readonly (Omit<TableMark, 'table' | 'offset'> & {
    table: number;
    offset: StoredOffset;
  })[];
  readonly marks: string;
  readonly offset: StoredOffset;
}

const PREFIX_BYTES = 8;
/** Of a row: its table, two images, its transaction, two halves of its position; and op and flags, of a byte each. */
const ROW_INTS = 6;

/**
 * Batches as bytes, for this process alone: versions of tables, of which there are few, stay in memory.
 *
 * Total length and header length (u32 each), the header as JSON padded to 4 bytes, then the arrays: cells and rows as
 * 32-bit numbers in the machine's order, op, flags, and the arena.
 */
export class BatchCodec {
  readonly #offsets: OffsetCodec;
  readonly #marks: MarkCodec;
  readonly #tables: TableSchema[] = [];
  readonly #numbers = new Map<TableSchema, number>();

  constructor(offsets: OffsetCodec, marks: MarkCodec) {
    this.#offsets = offsets;
    this.#marks = marks;
  }

  /** Parts that follow one another; they share the batch's arrays. */
  encode(batch: ChangeBatch): Uint8Array[] {
    const { rowCount, cellCount, byteLength } = batch;
    const text = Buffer.from(JSON.stringify(this.#header(batch)));
    const head = Buffer.alloc(PREFIX_BYTES + padded(text.length), ' ');
    text.copy(head, PREFIX_BYTES);
    const ints = (array: Int32Array | Uint32Array, length: number) =>
      new Uint8Array(array.buffer, array.byteOffset, length * 4);
    const parts = [
      head,
      ints(batch.cellStart, cellCount),
      ints(batch.cellLength, cellCount),
      ...rowInts(batch).map((array) => ints(array, rowCount)),
      batch.op.subarray(0, rowCount),
      batch.flags.subarray(0, rowCount),
      batch.bytes.subarray(0, byteLength),
    ];
    head.writeUInt32LE(
      parts.reduce((sum, part) => sum + part.length, 0),
      0,
    );
    head.writeUInt32LE(head.length, 4);
    return parts;
  }

  /** What `encode` gave, whole, at the begin of an ArrayBuffer of its own. */
  decode(data: Uint8Array, last: TransactionMark | null): ChangeBatch {
    const head = new DataView(data.buffer, data.byteOffset, PREFIX_BYTES).getUint32(4, true);
    const { rows, cells, bytes, ...header } = this.#parse(data.subarray(PREFIX_BYTES, head));
    if (head + cells * 8 + rows * (ROW_INTS * 4 + 2) + bytes !== data.length)
      throw new IcestreamError('storage.io', 'a batch that waited on disk is damaged');
    let at = data.byteOffset + head;
    const ints = (length: number) => {
      const array = new Int32Array(data.buffer as ArrayBuffer, at, length);
      at += length * 4;
      return array;
    };
    const unsigned = (length: number) => {
      const { buffer, byteOffset } = ints(length);
      return new Uint32Array(buffer, byteOffset, length);
    };
    const octets = (length: number) =>
      new Uint8Array(data.buffer as ArrayBuffer, (at += length) - length, length);
    return {
      rowCount: rows,
      cellCount: cells,
      byteLength: bytes,
      cellStart: ints(cells),
      cellLength: ints(cells),
      tableOf: ints(rows),
      before: ints(rows),
      after: ints(rows),
      transactionOf: ints(rows),
      positionHi: unsigned(rows),
      positionLo: unsigned(rows),
      op: octets(rows),
      flags: octets(rows),
      bytes: octets(bytes),
      tables: header.tables.map((number) => this.#tables[number]),
      transactions: this.#marks.read(header.marks, last),
      tableMarks: header.tableMarks.map(({ table, offset, ...mark }) => ({
        ...mark,
        table: this.#tables[table],
        ...(offset === null ? {} : { offset: this.#offset(offset) }),
      })),
      offset: header.offset === null ? null : this.#offset(header.offset),
      ...(header.repair === undefined ? {} : { repair: header.repair }),
      ...(header.notifications === undefined ? {} : { notifications: header.notifications }),
      lease: NO_LEASE,
    };
  }

  #header(batch: ChangeBatch): Header {
    return {
      rows: batch.rowCount,
      cells: batch.cellCount,
      bytes: batch.byteLength,
      ...(batch.repair === undefined ? {} : { repair: batch.repair }),
      ...(batch.notifications === undefined ? {} : { notifications: batch.notifications }),
      tables: batch.tables.map((table) => this.#number(table)),
      tableMarks: batch.tableMarks.map(({ table, offset, ...mark }) => ({
        ...mark,
        table: this.#number(table),
        offset: stored(offset ?? null),
      })),
      marks: this.#marks.write(batch.transactions),
      offset: stored(batch.offset),
    };
  }

  #parse(text: Uint8Array): Header {
    try {
      return JSON.parse(Buffer.from(text.buffer, text.byteOffset, text.length).toString()) as Header;
    } catch (cause) {
      throw new IcestreamError('storage.io', 'a batch that waited on disk is damaged', { cause });
    }
  }

  #number(table: TableSchema): number {
    let number = this.#numbers.get(table);
    if (number === undefined) {
      number = this.#tables.push(table) - 1;
      this.#numbers.set(table, number);
    }
    return number;
  }

  #offset([epoch, json]: NonNullable<StoredOffset>): Offset {
    return this.#offsets.parse(json, epoch);
  }
}

function rowInts(batch: ChangeBatch): (Int32Array | Uint32Array)[] {
  return [batch.tableOf, batch.before, batch.after, batch.transactionOf, batch.positionHi, batch.positionLo];
}

function stored(offset: Offset | null): StoredOffset {
  return offset === null ? null : [offset.epoch, offset.toJSON()];
}

function padded(length: number): number {
  return (length + 3) & ~3;
}
