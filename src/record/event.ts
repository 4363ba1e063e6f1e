import type { ChangeBatch, TransactionMark } from './batch.ts';
import type { ConnectSchema, ConnectValue } from './connect-schema.ts';
import type { TableSchema } from './table.ts';
import type { Codec, ValueWriter } from './value.ts';

/** The `source.snapshot` of an event. */
export type SnapshotMarker =
  | 'true'
  | 'first'
  | 'first_in_data_collection'
  | 'last_in_data_collection'
  | 'last'
  | 'false'
  | 'incremental';

/** One field of a table's key or row as Debezium has it, and the column that it comes from. */
export interface EventField {
  readonly name: string;
  /** Index into the table's columns. */
  readonly column: number;
  readonly schema: ConnectSchema;
  /** Reads the cells, where the column's own codec is not to be used: keys are not masked. */
  readonly codec?: Codec;
  /**
   * A writer for the column's codec, whose calls reach `out` as values of `schema` (a timestamp as int64 or text, a decimal
   * at the schema's scale): exactly one value per value.
   */
  adapt(out: ValueWriter): ValueWriter;
  /** The same for rows read from the table instead of the log, where Debezium makes other values of them. */
  adaptRead?(out: ValueWriter): ValueWriter;
  /** Instead of an unchanged large value that the log does not carry. */
  readonly unavailable: ConnectValue;
  /** In an image that does not carry the column (a before-image of the key alone). */
  readonly absent: ConnectValue;
  /** Instead of NULL, where the configuration has something for it (a mask). */
  readonly ifNull?: ConnectValue;
}

/** The table's events: everything that is the same for all of its rows. */
export interface EventForm {
  /** Before any transform. */
  readonly topic: string;
  /** What transaction metadata calls it: `schema.table`. */
  readonly collection: string;
  /** Instead, where every event counts as one of a collection of its own. */
  nextCollection?(): string;
  /** Null for a table without a key. */
  readonly key: ConnectSchema | null;
  readonly keyFields: readonly EventField[];
  /** `<topic>.Value`, optional: of `before` and `after`. */
  readonly row: ConnectSchema;
  readonly fields: readonly EventField[];
  /** `<topic>.Envelope`, a struct of before, after, source, transaction, op, ts_ms, ts_us, ts_ns. */
  readonly envelope: ConnectSchema;
  /** Writes the `source` struct of a row, from `beginStruct` to `endStruct`. */
  writeSource(batch: ChangeBatch, row: number, snapshot: SnapshotMarker, out: ValueWriter): void;
  /** Debezium's name of a row's transaction, which PostgreSQL makes of the transaction and the row: `txId:lsn`. */
  transactionId(batch: ChangeBatch, row: number): string;
}

/** What a source says of its events, for sinks that publish them. */
export interface EventForms {
  /** The same object for the same version of a table. */
  of(table: TableSchema): EventForm;
  /** Debezium's name of a transaction at its end (PostgreSQL: `txId:lsn`, the position behind its commit). */
  transactionEnd(mark: TransactionMark): string;
  /** `topic.prefix`. */
  readonly prefix: string;
  /** `connector` of the source block: postgresql. */
  readonly connector: string;
}
