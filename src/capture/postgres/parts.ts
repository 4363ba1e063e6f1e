import type { ChangeBatch } from '../../record/batch.ts';
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
   * @throws IcestreamError table.unsupported-type and others that stop the task
   */
  relation(message: RelationMessage): Promise<RelationPlan | null>;
}

/**
 * How far snapshots (initial or incremental) have come: a vector over chunks and tables. Null in an offset means that
 * none is in progress. Immutable.
 */
export interface SnapshotProgress {
  /** True if everything of `table` (null: of every table) that `other` has is in this one too. */
  holds(other: SnapshotProgress, table: string | null): boolean;
  /** What both have for certain. */
  min(other: SnapshotProgress): SnapshotProgress;
  /** For the offset's `icestream_snapshot` key: text that nobody else reads, small (it is stored with each commit). */
  toText(): string;
}

export type ParseProgress = (text: string) => SnapshotProgress;

export interface InitialSnapshot {
  /** Exported by CREATE_REPLICATION_SLOT and alive until the iteration ends; null: take an own one (the slot existed). */
  readonly exportedSnapshot: string | null;
  /** Where streaming will begin: rows committed before are in the snapshot, later ones come from the log. */
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
   * A logical decoding message (`pg_logical_emit_message`), in log order with the batches: those before it were passed
   * to `batch` already; for a transactional one at the end of its transaction. False: not ours, so it is a change like others.
   */
  message(prefix: string, content: Uint8Array, lsn: Lsn, transactional: boolean): boolean;
  /**
   * Every finished batch before it is handed out; the signal table's rows always end theirs. Answers what is to be
   * handed out right after it (chunks), each with an offset made by `offset.with({ progress })`, or null for nothing.
   * `offset` is that of the batch; where a batch ends within a transaction it is null and nothing can be inserted.
   */
  batch(batch: ChangeBatch, offset: PostgresOffset | null): Promise<readonly ChangeBatch[]> | null;
}
