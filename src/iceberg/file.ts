import type { PartitionSpec } from './schema.ts';

/** `data`: rows; `equality-deletes`: keys of rows to drop; `position-deletes`: only ever read, never written. */
export type FileContent = 'data' | 'position-deletes' | 'equality-deletes';

/**
 * A value of a partition tuple in the JavaScript form of its transform's result type: number for int, date, float,
 * double; bigint for long, time, timestamps; string; boolean; Uint8Array for uuid, fixed, binary; for decimals the
 * unscaled bigint. Null is a partition like another.
 */
export type PartitionValue = number | bigint | string | boolean | Uint8Array | null;

/** Column statistics by field id; bounds are single-value binary (Appendix D). */
export interface ColumnMetrics {
  readonly columnSizes: ReadonlyMap<number, bigint>;
  readonly valueCounts: ReadonlyMap<number, bigint>;
  readonly nullValueCounts: ReadonlyMap<number, bigint>;
  readonly nanValueCounts: ReadonlyMap<number, bigint>;
  readonly lowerBounds: ReadonlyMap<number, Uint8Array>;
  readonly upperBounds: ReadonlyMap<number, Uint8Array>;
}

/** What a manifest says of one file (`data_file` struct, field ids 100 to 145). */
export interface DataFile {
  readonly content: FileContent;
  readonly path: string;
  readonly specId: number;
  readonly partition: readonly PartitionValue[];
  readonly recordCount: bigint;
  readonly fileSizeBytes: bigint;
  readonly metrics: ColumnMetrics;
  /** Start offsets of the row groups, ascending. */
  readonly splitOffsets: readonly bigint[];
  /** Field ids of the key columns of an equality-delete file, else null. */
  readonly equalityIds: readonly number[] | null;
  readonly sortOrderId: number | null;
  readonly referencedDataFile?: string | null;
  /** `PARQUET` unless a foreign writer chose another. */
  readonly format?: string;
  /** Of foreign encrypted files; carried along. */
  readonly keyMetadata?: Uint8Array | null;
}

/** A file that is live in a snapshot, with the sequence numbers it has or inherited. */
export interface LiveFile {
  readonly file: DataFile;
  readonly dataSequenceNumber: bigint;
  readonly fileSequenceNumber: bigint;
  readonly snapshotId: bigint;
  readonly spec: PartitionSpec;
}
