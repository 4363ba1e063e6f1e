/**
 * The meeting point of databases and formats. A database's codec reads one cell into a `ValueWriter`;
 * JSON, Avro, Parquet and merge keys each implement one `ValueWriter`. Nobody writes the product.
 *
 * 64-bit integers travel as two 32-bit halves (`hi` signed, `lo` unsigned) because a BigInt per value costs more
 * than everything else done to it.
 */
export interface ValueWriter {
  null(): void;
  bool(value: boolean): void;
  /** Also carries 16-bit integers. */
  int32(value: number): void;
  /** value = hi * 2^32 + lo; `hi` is signed, `lo` is unsigned (0..2^32-1). */
  int64(hi: number, lo: number): void;
  float32(value: number): void;
  float64(value: number): void;
  /** unscaled * 10^-scale; `unscaled` is a safe integer. The scale is the value's own, the writer rescales. */
  decimalSmall(unscaled: number, scale: number): void;
  /** As `decimalSmall`, for values beyond 2^53. */
  decimal(unscaled: bigint, scale: number): void;
  /** UTF-8 text at bytes[start, end); also json, xml, enum labels, bits as 0 and 1, and whatever else the type calls text. */
  utf8(bytes: Uint8Array, start: number, end: number): void;
  bytes(bytes: Uint8Array, start: number, end: number): void;
  /** 16 bytes, big endian, at `start`. */
  uuid(bytes: Uint8Array, start: number): void;
  /** Days since 1970-01-01. */
  date(days: number): void;
  /** Microseconds since midnight, 0 .. 86_400_000_000 (24:00:00 included). */
  time(hi: number, lo: number): void;
  /** Microseconds since midnight and the zone's offset in seconds east of UTC. */
  timetz(hi: number, lo: number, zoneSeconds: number): void;
  /**
   * Microseconds since 1970-01-01 00:00, of a wall clock (`timestamp`) or of UTC (`timestamptz`): the type tells. `hi` may
   * exceed 2^31 - 1: PostgreSQL goes on for 30 years after 64 bits are full (294247-01-10).
   */
  timestamp(hi: number, lo: number): void;
  /** The three parts are independent: a month has no fixed length. Microseconds in hi/lo. */
  interval(months: number, days: number, hi: number, lo: number): void;
  /** What the regular domain of decimal, date, timestamp does not hold. Floats carry their own. */
  special(kind: SpecialValue): void;
  beginList(count: number): void;
  endList(): void;
  beginStruct(): void;
  endStruct(): void;
  /** Then `count` times key, value. */
  beginMap(count: number): void;
  endMap(): void;
}

export type SpecialValue = 'nan' | 'infinity' | '-infinity';

/** Reads the cell bytes[start, end) of one column type and calls exactly one value (or begin..end) of `out`. */
export interface Codec {
  read(bytes: Uint8Array, start: number, end: number, out: ValueWriter): void;
}

/**
 * What a value means, independent of database and format. `precision` of times is the number of fraction digits.
 * A decimal without precision has values of any scale.
 */
export type LogicalType =
  | { readonly kind: 'boolean' | 'int16' | 'int32' | 'int64' | 'float32' | 'float64' }
  | { readonly kind: 'decimal'; readonly precision: number | null; readonly scale: number | null }
  | { readonly kind: 'string'; readonly length: number | null }
  | { readonly kind: 'json' | 'xml' | 'uuid' | 'bytes' | 'date' | 'interval' }
  | { readonly kind: 'enum'; readonly values: readonly string[] }
  | { readonly kind: 'bits'; readonly length: number | null }
  | { readonly kind: 'time' | 'timetz' | 'timestamp' | 'timestamptz'; readonly precision: number }
  | { readonly kind: 'list'; readonly element: LogicalType }
  | { readonly kind: 'map'; readonly value: LogicalType }
  | {
      readonly kind: 'struct';
      readonly fields: readonly { readonly name: string; readonly type: LogicalType }[];
    };
