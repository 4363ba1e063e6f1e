import type { ConnectSchema, ConnectValue } from './connect-schema.ts';

/**
 * A record as Kafka Connect's transforms see it. Slow next to rows in cells: made of a row only where a transform looks at
 * its values. Never changed in place: a transform answers a new record.
 */
export interface ConnectRecord {
  readonly topic: string;
  /** Null: the producer chooses. */
  readonly partition: number | null;
  readonly keySchema: ConnectSchema | null;
  readonly key: ConnectValue;
  readonly valueSchema: ConnectSchema | null;
  /** Null with `valueSchema` null is a tombstone. */
  readonly value: ConnectValue;
  /** Milliseconds since 1970; null: when it is sent. */
  readonly timestampMs: number | null;
  readonly headers: readonly ConnectHeader[];
}

export interface ConnectHeader {
  readonly name: string;
  readonly schema: ConnectSchema | null;
  readonly value: ConnectValue;
}

/** Null: the record is dropped. */
export type Transformed = ConnectRecord | null;

/** The configured transforms in their order, as sinks that publish records see them. */
export interface RecordTransform {
  /**
   * A promise where something has to be looked up first; records after it have to wait for it.
   * @throws IcestreamError transform.*, by the promise as well
   */
  apply(record: ConnectRecord): Transformed | Promise<Transformed>;
  /**
   * What becomes of records with holes (record/hole.ts) for values, which follow each other as an event and its tombstone do.
   * Null: that depends on what comes into the holes.
   *
   * @throws what becomes of every such record, whatever comes into its holes
   */
  plan(records: readonly ConnectRecord[]): readonly (ConnectRecord | null)[] | null;
}
