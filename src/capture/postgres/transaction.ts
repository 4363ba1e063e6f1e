import type { TransactionMark } from '../../record/batch.ts';
import type { Lsn } from './lsn.ts';
import type { PostgresOffset } from './offset.ts';

/**
 * The transaction whose rows are being read. Its end is known for certain only at the Commit message, while rows
 * refer to it from the Begin on, in earlier batches too where it is large: until then `end` is the byte after its
 * commit record's begin, which covers it equally well (the server skips a transaction whose commit record begins
 * before the position asked for).
 */
export class Transaction implements TransactionMark {
  readonly xid: number;
  readonly timestampMicros: number;
  /** End of the transaction before it in the stream, null before the first one ever. */
  readonly previousEnd: Lsn | null;
  /** Of offsets within this transaction everything but the position. */
  readonly base: PostgresOffset;
  end: Lsn;

  constructor(
    base: PostgresOffset,
    xid: number,
    timestampMicros: number,
    commitLsn: Lsn,
    previousEnd: Lsn | null = null,
  ) {
    this.base = base;
    this.xid = xid;
    this.timestampMicros = timestampMicros;
    this.end = commitLsn + 1n;
    this.previousEnd = previousEnd;
  }

  get id(): string {
    return this.xid === 0 ? '' : String(this.xid);
  }

  /** Made when asked for: most transactions' offsets never are. */
  get offset(): PostgresOffset {
    return this.base.with({
      lsn: this.end,
      txId: this.xid === 0 ? null : this.xid,
      timestampMicros: this.timestampMicros,
    });
  }
}

/** What rows of an initial snapshot belong to. */
export class SnapshotMark implements TransactionMark {
  readonly id = '';
  readonly timestampMicros: number;
  readonly offset: PostgresOffset;
  /** A transaction id of the snapshot's time, null on a standby. */
  readonly txId: number | null;

  constructor(offset: PostgresOffset, timestampMicros: number, txId: number | null) {
    this.offset = offset;
    this.timestampMicros = timestampMicros;
    this.txId = txId;
  }
}

/** What rows of an incremental snapshot belong to. */
export class WindowMark implements TransactionMark {
  readonly id = '';
  readonly timestampMicros: number;
  readonly offset: PostgresOffset;
  /** End of the last transaction before the one that closed the window: where Debezium says that the rows stand. */
  readonly position: Lsn;

  constructor(offset: PostgresOffset, position: Lsn) {
    this.offset = offset;
    this.timestampMicros = offset.timestampMicros;
    this.position = position;
  }
}
