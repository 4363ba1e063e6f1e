import { IcestreamError } from '../../base/errors.ts';
import type { Held, Offset, OffsetCodec, OffsetJson } from '../../record/offset.ts';
import { formatLsn, LSN_NONE, type Lsn, lsnFromJson, lsnToJson } from './lsn.ts';
import type { ParseProgress, SnapshotProgress } from './parts.ts';

/** What an offset says. See `PostgresOffset`. */
export interface OffsetFields {
  readonly epoch: number;
  readonly lsn: Lsn;
  readonly txId: number | null;
  readonly timestampMicros: number;
  readonly initialSnapshot: boolean;
  readonly progress: SnapshotProgress | null;
  readonly mayExistUntil: Lsn;
}

/**
 * Where to resume: always a transaction's end (P-1), and how far snapshots have come.
 *
 * As JSON it has Debezium's names and meanings, so that each can go on where the other stopped. `lsn_commit` and
 * `lsn_proc` are the end of the last whole transaction; Debezium's own `lsn_proc` may lie inside a later one, which
 * is then read again as a whole.
 */
export class PostgresOffset implements Offset {
  readonly epoch: number;
  /** Every transaction that ends at or before this is covered, no other is. */
  readonly lsn: Lsn;
  /** xid of the last transaction, null where none is known (idle progress). */
  readonly txId: number | null;
  /** Its commit time, microseconds since 1970; 0 unknown. */
  readonly timestampMicros: number;
  /** The initial snapshot is not complete. With `progress` null it starts from the beginning. */
  readonly initialSnapshot: boolean;
  /** Chunks done of the snapshots in progress, null when there is none. */
  readonly progress: SnapshotProgress | null;
  /** Streamed rows of transactions up to here may be in the sink already (P-4); LSN_NONE: none. */
  readonly mayExistUntil: Lsn;

  constructor(fields: OffsetFields) {
    this.epoch = fields.epoch;
    this.lsn = fields.lsn;
    this.txId = fields.txId;
    this.timestampMicros = fields.timestampMicros;
    this.initialSnapshot = fields.initialSnapshot;
    this.progress = fields.progress;
    this.mayExistUntil = fields.mayExistUntil > fields.lsn ? fields.mayExistUntil : LSN_NONE;
  }

  with(changes: Partial<OffsetFields>): PostgresOffset {
    return new PostgresOffset({ ...(this as OffsetFields), ...changes });
  }

  /**
   * By position, then by snapshot progress; at one position no progress counts as the latest, because a snapshot's
   * end is where its progress goes away, and its begin is never without a position of its own.
   */
  compare(other: Offset): number {
    const that = other as PostgresOffset;
    if (this.lsn !== that.lsn) return this.lsn < that.lsn ? -1 : 1;
    if (this.#inSnapshot !== that.#inSnapshot) return this.#inSnapshot ? -1 : 1;
    if (this.initialSnapshot !== that.initialSnapshot) return this.initialSnapshot ? -1 : 1;
    if (this.progress === null || that.progress === null) {
      return Number(this.progress !== null) - Number(that.progress !== null);
    }
    if (!this.progress.holds(that.progress, null)) return -1;
    return that.progress.holds(this.progress, null) ? 0 : 1;
  }

  holds(mark: Offset, table: string): Held {
    const that = mark as PostgresOffset;
    if (this.epoch !== that.epoch) return this.epoch > that.epoch ? 'all' : 'none';
    if (this.initialSnapshot) {
      if (!that.initialSnapshot || this.lsn !== that.lsn) return 'none';
      return that.progress === null ? 'all' : (this.progress?.has(that.progress, table) ?? 'none');
    }
    if (that.lsn > this.lsn) return that.lsn <= this.mayExistUntil ? 'some' : 'none';
    // Of several chunks at one position the row may be of a later one.
    return that.lsn === this.lsn && this.progress !== null && !that.initialSnapshot ? 'some' : 'all';
  }

  onward(next: Offset): Offset {
    const that = next as PostgresOffset;
    if (this.epoch !== that.epoch) return that;
    if (this.initialSnapshot) {
      if (!that.initialSnapshot || this.lsn !== that.lsn || this.progress === null) return that;
      return that.with({ progress: that.progress?.and(this.progress) ?? this.progress });
    }
    if (that.lsn < this.lsn || (that.initialSnapshot && that.lsn === this.lsn)) return this;
    // What the log repeats of a snapshot that this sink was not given is nothing that it may have.
    return that.mayExistUntil === LSN_NONE ? that : that.with({ mayExistUntil: this.mayExistUntil });
  }

  toJSON(): OffsetJson {
    const lsn = lsnToJson(this.lsn);
    const json: Record<string, string | number | boolean> = {};
    if (this.initialSnapshot) {
      Object.assign(json, { snapshot: 'INITIAL', snapshot_completed: false, last_snapshot_record: false });
    } else if (this.txId !== null) {
      Object.assign(json, { lsn_proc: lsn, messageType: 'COMMIT', lsn_commit: lsn });
    }
    json['lsn'] = lsn;
    if (this.txId !== null) json['txId'] = this.txId;
    json['ts_usec'] = this.timestampMicros;
    if (this.progress !== null) json['icestream_snapshot'] = this.progress.toText();
    if (this.mayExistUntil !== LSN_NONE) json['icestream_may_exist_until'] = lsnToJson(this.mayExistUntil);
    return json;
  }

  toString(): string {
    return formatLsn(this.lsn);
  }

  get #inSnapshot(): boolean {
    return this.initialSnapshot || this.progress !== null;
  }
}

export function postgresOffsets(topicPrefix: string, parseProgress: ParseProgress): OffsetCodec {
  return {
    partition: { server: topicPrefix },
    parse: (json, epoch) => parseOffset(json, epoch, parseProgress),
    min: (a, b) => minOffset(a as PostgresOffset, b as PostgresOffset),
  };
}

/**
 * Ours, and Debezium's of any stage: after the snapshot only `lsn`; within a transaction `lsn_commit` (the end of the
 * one before) and a later `lsn_proc`; within the first transaction after a snapshot no `lsn_commit` at all, so that
 * only the slot knows where that one begins.
 */
function parseOffset(json: OffsetJson, epoch: number, parseProgress: ParseProgress): PostgresOffset {
  const initialSnapshot =
    json['snapshot'] !== undefined &&
    json['snapshot'] !== null &&
    json['snapshot'] !== false &&
    json['snapshot_completed'] !== true &&
    json['last_snapshot_record'] !== true;
  const lsn = transactionEnd(json);
  const progress = json['icestream_snapshot'];
  if (lsn === null) {
    throw new IcestreamError('config.invalid', 'not an offset of a PostgreSQL connector: no lsn', {
      hint: 'An offset holds at least {"lsn": number}.',
    });
  }
  return new PostgresOffset({
    epoch,
    lsn,
    txId: typeof json['txId'] === 'number' ? json['txId'] : null,
    timestampMicros: typeof json['ts_usec'] === 'number' ? json['ts_usec'] : 0,
    initialSnapshot,
    progress: typeof progress === 'string' ? parseProgress(progress) : null,
    mayExistUntil: lsnFromJson(json['icestream_may_exist_until']) ?? LSN_NONE,
  });
}

function transactionEnd(json: OffsetJson): Lsn | null {
  const commit = lsnFromJson(json['lsn_commit']);
  if (commit !== null) return commit;
  const unfinished = json['lsn_proc'] !== undefined && json['messageType'] !== 'COMMIT';
  if (unfinished && lsnFromJson(json['lsn_proc']) !== null) return LSN_NONE;
  return lsnFromJson(json['lsn']);
}

function minOffset(a: PostgresOffset, b: PostgresOffset): PostgresOffset {
  if (a.epoch !== b.epoch) return a.epoch > b.epoch ? a : b;
  const [low, high] = a.compare(b) <= 0 ? [a, b] : [b, a];
  if (low.progress === null || high.progress === null) return low;
  // The progress of an initial snapshot and that of one by signals have nothing in common.
  if (low.initialSnapshot !== high.initialSnapshot) return low;
  return low.with({ progress: low.progress.min(high.progress) });
}
