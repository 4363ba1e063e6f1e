/**
 * Takes the values of one column, one call (or one begin..end) per row. It has every method that a reader of database
 * cells may call; those that do not fit the column throw. 64-bit integers come as two halves: value = hi * 2^32 + lo,
 * `hi` signed, `lo` unsigned.
 *
 * Conversions: int32 and int64 into decimals, int32 into long, float32 into double, decimals of another scale where no
 * digit is lost, text into binary. A value that cannot be held throws `table.value-out-of-range`; a method without
 * meaning for the column throws `internal`. After a throw the file must be aborted.
 */
export interface ColumnWriter {
  /** Field id of the column. */
  readonly fieldId: number;
  null(): void;
  bool(value: boolean): void;
  int32(value: number): void;
  int64(hi: number, lo: number): void;
  float32(value: number): void;
  float64(value: number): void;
  /** unscaled * 10^-scale; `unscaled` is a safe integer. */
  decimalSmall(unscaled: number, scale: number): void;
  decimal(unscaled: bigint, scale: number): void;
  utf8(bytes: Uint8Array, start: number, end: number): void;
  bytes(bytes: Uint8Array, start: number, end: number): void;
  /** 16 bytes at `start`. */
  uuid(bytes: Uint8Array, start: number): void;
  date(days: number): void;
  /** Microseconds since midnight. */
  time(hi: number, lo: number): void;
  timetz(hi: number, lo: number, zoneSeconds: number): void;
  /** Microseconds since 1970-01-01 00:00, for timestamp and timestamptz alike. */
  timestamp(hi: number, lo: number): void;
  interval(months: number, days: number, hi: number, lo: number): void;
  special(kind: 'nan' | 'infinity' | '-infinity'): void;
  beginList(count: number): void;
  endList(): void;
  beginStruct(): void;
  endStruct(): void;
  /** Then `count` times key, value. */
  beginMap(count: number): void;
  endMap(): void;
}

/** A column as the nested columns around it see it. */
export interface ColumnNode extends ColumnWriter {
  /** Dotted path, for messages. */
  readonly name: string;
  /** Writes one slot without a value to every leaf, at the definition level where the path to it ends. */
  absent(definition: number): void;
  /** The repetition level of the next slot of every leaf. */
  setRepetition(level: number): void;
}
