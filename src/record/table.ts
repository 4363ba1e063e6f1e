import type { IcestreamError } from '../base/errors.ts';
import type { Codec, LogicalType } from './value.ts';

/** Where a table lives at its source; `schema` is empty for databases without schemas. */
export interface TableId {
  readonly database: string;
  readonly schema: string;
  readonly table: string;
}

export interface Column {
  readonly name: string;
  /**
   * The source's own lasting number of this column (PostgreSQL: attnum), or null where it has none. Two versions of
   * a table hold the same column exactly when the numbers are equal; that alone proves a rename.
   */
  readonly sourceId: number | null;
  readonly type: LogicalType;
  /** As the source prints it, `numeric(10,2)`: for messages and `source.column.type`, never for decisions. */
  readonly sourceType: string;
  readonly nullable: boolean;
  readonly codec: Codec;
  /** Bytes of a constant default in the form that `codec` reads; null where there is none or it is an expression. */
  readonly defaultCell: Uint8Array | null;
  /** Rows that are older than the column may have a value in it, of which no row event tells (P-3); else they have NULL. */
  readonly hasOlderValues?: boolean;
}

/** One version of one table. A new version is a new object; batches hold it by reference. */
export interface TableSchema {
  readonly id: TableId;
  /** `schema.table`, the name that include lists and messages use. */
  readonly name: string;
  /** Grows with every version of this table seen by the running task. */
  readonly version: number;
  /**
   * Identity of the table at its source (PostgreSQL: oid); changes when the table is dropped and recreated.
   */
  readonly sourceId: string;
  readonly columns: readonly Column[];
  /** Indexes into `columns` of what identifies a row: configured key, primary key or replica index; empty: no key. */
  readonly keyColumns: readonly number[];
  /**
   * Indexes of the columns that the before-image of an update or delete carries. Other cells of a before-image are
   * null and mean nothing.
   */
  readonly beforeColumns: readonly number[];
  /**
   * Of a part of a partitioned table: the whole, which is what a lake keeps. The columns of the whole are the first of the
   * part's, so that rows are rows of either. Where rows of the parts are handed out a snapshot reads the whole, too, and
   * truncations of the whole are marks (`truncated`, `incomplete`).
   */
  readonly whole?: TableSchema;
  /**
   * Of a table that a snapshot reads with columns that the log does not carry, since Debezium's events have them: the table as
   * the log has it, which is what a lake keeps. Its columns are the first of this one, so that rows are rows of either.
   */
  readonly logged?: TableSchema;
  /** Why rows cannot be told apart by the key that was asked for: a sink that merges stops the table with it (L-9). */
  readonly fault?: IcestreamError | null;
}

/** What a lake keeps of the table that rows are published as. */
export function keptTable(table: TableSchema): TableSchema {
  const whole = table.whole ?? table;
  return whole.logged ?? whole;
}
