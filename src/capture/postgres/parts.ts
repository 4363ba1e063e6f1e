import type { ChangeBatch } from '../../record/batch.ts';
import type { Held } from '../../record/offset.ts';
import type { Lsn } from './lsn.ts';
import type { PostgresOffset } from './offset.ts';
import type { RelationMessage, RelationPlan } from './wire/relation.ts';

/**
 * What the three parts of this connector promise each other: the stream (slot, wire, transactions, offsets), the
 * tables (catalog look-ups, filters, codecs) and the snapshots (initial and incremental).
 */

/** Tables to stream, as the database and the configuration describe them. */
export interface TableCatalog {
  /**
   * Called for every Relation message, decoding waits meanwhile. Null: not captured, its rows are skipped unread.
   * Equal messages may come again (each new session starts with them) and should give the same `TableSchema` object.
   * `xid`: of the transaction that it came in, which has committed but may not be seen by others yet.
   * @throws IcestreamError table.unsupported-type and others that stop the task
   */
  relation(message: RelationMessage, xid?: number): Promise<RelationPlan | null>;
}

/**
 * How far snapshots (initial or incremental) have come: a vector over chunks and tables. Null in an offset means that
 * none is in progress. Immutable.
 */
export interface SnapshotProgress {
  /** True if everything of `table` (null: of every table) that `other` has is in this one too. */
  holds(other: SnapshotProgress, table: string | null): boolean;
  /** What of `table` is in this one that belongs to `mark`, which may be of another run. */
  has(mark: SnapshotProgress, table: string): Held;
  /** This, and what `earlier` had besides when its run ended. */
  and(earlier: SnapshotProgress): SnapshotProgress;
  /** What both have for certain. */
  min(other: SnapshotProgress): SnapshotProgress;
  /** For the offset's `icestream_snapshot` key: text that nobody else reads, small (it is stored with each commit). */
  toText(): string;
}

export type ParseProgress = (text: string) => SnapshotProgress;

export interface InitialSnapshot {
  /** Exported by CREATE_REPLICATION_SLOT and alive until the iteration ends; null: take an own one (nothing streams). */
  readonly exportedSnapshot: string | null;
  /** Rows committed before are in the exported snapshot, no others are. Streaming may begin earlier (P-4). */
  readonly consistentPoint: Lsn;
  /** What an earlier run had made durable, null for a fresh start. */
  readonly progress: SnapshotProgress | null;
  /**
   * The offset of a chunk's end. `progress` null ends the snapshot. `mayExistUntil` (P-4): rows of transactions that
   * end at or before it may already be in what the chunks read, and get MAY_EXIST when streamed; LSN_NONE if the
   * snapshot is the slot's own.
   */
  offset(progress: SnapshotProgress | null, mayExistUntil: Lsn, timestampMicros: number): PostgresOffset;
  readonly signal: AbortSignal;
}

/** snapshot/index.ts: the last batch carries an offset with `progress` null. */
export type ReadSnapshot = (snapshot: InitialSnapshot) => AsyncIterable<ChangeBatch>;

/**
 * What runs beside the stream: signals and incremental snapshots (DBLog). All calls come from the stream's one loop,
 * in log order, none while another is pending.
 */
export interface Interleave {
  /** Put into every offset that the stream makes from now on. */
  readonly progress: SnapshotProgress | null;
  /**
   * No transaction whose commit is logged here or later may be decoded before `between` was called; null: no such place.
   */
  readonly pauseAt: Lsn | null;
  /** Logical decoding messages (`pg_logical_emit_message`) of this prefix come to `message` and are no changes; null: none. */
  readonly messagePrefix: string | null;
  /** Every finished batch before it is handed out. A transaction that touches the signal table always ends its batch. */
  batch(batch: ChangeBatch): void;
  /**
   * A message of ours: what was logged before it was passed to `batch` already, what comes later was not. Those of a
   * transaction (which reach the log at once, others when the WAL writer wakes up) come after it. `content` is a copy.
   */
  message(content: Uint8Array, lsn: Lsn): void;
  /**
   * Between two transactions, after calls of `batch` or `message`, and at `pauseAt`. Answers what is to be handed out
   * here (chunks, whole tables), with offsets `offset.with({ progress })`, or null for nothing; the stream waits.
   */
  between(offset: PostgresOffset): AsyncIterable<ChangeBatch> | null;
}
