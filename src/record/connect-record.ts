import type { ConnectSchema, ConnectValue } from './connect-schema.ts';

/**
 * A record as Kafka Connect's transforms see it. Slow next to rows in cells: made only where a transform is configured that
 * cannot be planned. Never changed in place: a transform answers a new record.
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
