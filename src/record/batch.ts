import type { Notification } from './notification.ts';
import type { Offset } from './offset.ts';
import type { TableSchema } from './table.ts';

/** Length of a cell that is SQL NULL. */
export const NULL_CELL = -1;
/** Length of a cell whose value did not change and is not in the log (PostgreSQL: unchanged TOAST). */
export const UNCHANGED_CELL = -2;

/** Row operations, in Debezium's letters. */
export const Op = { read: 1, create: 2, update: 3, delete: 4, truncate: 5, message: 6 } as const;
export type OpCode = (typeof Op)[keyof typeof Op];
export const OP_LETTERS = ['?', 'r', 'c', 'u', 'd', 't', 'm'] as const;

/**
 * Row flag: a row of this key may already be in the sink from before (a re-read chunk, a replay window, P-4), so that
 * even a create or read must delete first.
 */
export const MAY_EXIST = 1;

/** A source transaction, or a snapshot chunk, which stands for one. */
export interface TransactionMark {
  /** Source's own name of it (PostgreSQL: xid), '' for a snapshot chunk. */
  readonly id: string;
  /** Commit time, microseconds since 1970 UTC; for a chunk the snapshot's time. */
  readonly timestampMicros: number;
  /** The offset right after this transaction. */
  readonly offset: Offset;
}

/** What happens to a table as a whole, in order with the rows: it takes effect before row `row`. */
export interface TableMark {
  readonly row: number;
  readonly table: TableSchema;
  /**
   * `snapshot-start` with `replace`: what follows up to `snapshot-end` becomes the whole content of the table, in one
   * commit at the end (L-6). Without `replace` rows are added as they come.
   *
   * `present`: the table is captured, in this version; a sink may find that it lacks existing rows (L-12, P-3).
   * `complete`: all rows that the table had when it was asked for have been handed out by now.
   * `truncated`: all rows have gone from a table whose parts are published one by one.
   * `incomplete`: rows have gone from the table (a truncated partition) and the log does not say which.
   */
  readonly kind:
    | 'snapshot-start'
    | 'snapshot-end'
    | 'present'
    | 'complete'
    | 'truncated'
    | 'incomplete'
    | 'dropped';
  readonly replace: boolean;
  /** Of `snapshot-start` and `snapshot-end`: what rows in between belong to. */
  readonly offset?: Offset;
  /** Of `snapshot-end`: no further table of this snapshot follows. */
  readonly last?: boolean;
}

/**
 * Rows in commit order as cells over one byte arena. Nothing here is an object per row or a string per cell; the
 * typed arrays may be longer than what is used.
 *
 * Row i has `op[i]`, its table `tables[tableOf[i]]`, its transaction `transactions[transactionOf[i]]`, and its cells:
 * `after[i]` and `before[i]` are indexes of the first cell of an image in `cellStart`/`cellLength`, or -1 for none. An
 * image has one cell per column of the table, in order.
 *
 * Nobody writes to a batch after it was yielded, until everybody who holds it (`lease`) has let it go: then its arrays
 * are filled again.
 */
export interface ChangeBatch {
  readonly bytes: Uint8Array;
  /** Bytes of the arena in use, the measure of memory budgets together with the cells. */
  readonly byteLength: number;
  readonly cellStart: Int32Array;
  /** >= 0, or NULL_CELL, or UNCHANGED_CELL. */
  readonly cellLength: Int32Array;
  readonly cellCount: number;

  readonly rowCount: number;
  readonly op: Uint8Array;
  readonly flags: Uint8Array;
  readonly tableOf: Int32Array;
  readonly before: Int32Array;
  readonly after: Int32Array;
  readonly transactionOf: Int32Array;
  /** Position of the row in the log as two 32-bit halves (PostgreSQL: LSN); 0 for snapshot rows. */
  readonly positionHi: Uint32Array;
  readonly positionLo: Uint32Array;

  readonly tables: readonly TableSchema[];
  readonly transactions: readonly TransactionMark[];
  readonly tableMarks: readonly TableMark[];

  /**
   * The offset after the last row when the batch ends at a transaction's (or chunk's) end, else null: then the
   * transaction goes on in the next batch and nothing may be committed in between. A batch without rows may carry an
   * offset alone (idle progress).
   */
  readonly offset: Offset | null;

  readonly lease: Lease;

  /**
   * Its rows are read again because tables that some sink keeps lack them, not because anyone asked for them: where changes
   * are published they are no events (L-12, P-3).
   */
  readonly repair?: boolean;

  /** What happened before these rows, for sinks that publish it; a batch without rows may carry them alone. */
  readonly notifications?: readonly Notification[];
}

/**
 * Who still needs a batch's arrays. A batch is yielded with one hold, which the pipeline releases when every sink has
 * accepted it; a sink that goes on reading it after `write` holds it before that and releases it later. What is never
 * released is left to the garbage collector.
 */
export interface Lease {
  hold(): void;
  release(): void;
}

/** Of a batch whose arrays are not used again. */
export const NO_LEASE: Lease = { hold() {}, release() {} };

/** Memory that a batch holds on to, in bytes. */
export function batchMemory(batch: ChangeBatch): number {
  return batch.bytes.byteLength + batch.cellStart.byteLength * 2 + batch.op.byteLength * 26;
}
