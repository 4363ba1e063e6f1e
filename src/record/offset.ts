/** Flat JSON as Kafka Connect stores offsets: primitives only. */
export type OffsetJson = Readonly<Record<string, string | number | boolean | null>>;

/**
 * Where to resume. Opaque outside its connector (rule O-1); may be a vector.
 */
export interface Offset {
  /** Raised whenever offsets are changed or reset over REST: of two offsets the higher epoch wins, whatever they say (O-2). */
  readonly epoch: number;
  /** < 0 if this is before `other`; of one epoch. Vectors that are not ordered compare by what is certainly durable. */
  compare(other: Offset): number;
  /**
   * True if every row of `table` (`schema.table`) that precedes `mark` is part of what this offset covers. A sink whose
   * member table is ahead of the group skips such rows when they are read again (O-4).
   */
  holds(mark: Offset, table: string): boolean;
  toJSON(): OffsetJson;
}

export interface OffsetCodec {
  /** The Connect partition of this connector, `{"server": prefix}`. */
  readonly partition: OffsetJson;
  /** @throws IcestreamError config.invalid when the JSON is not an offset of this connector */
  parse(json: OffsetJson, epoch: number): Offset;
  /** The earliest position from which nothing of either is missing. */
  min(a: Offset, b: Offset): Offset;
}
