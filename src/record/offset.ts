/** Flat JSON as Kafka Connect stores offsets: primitives only. */
export type OffsetJson = Readonly<Record<string, string | number | boolean | null>>;

/** What a sink has of some rows: all of them; perhaps, so that they are written as if they were there; none. */
export type Held = 'all' | 'some' | 'none';

/**
 * Where to resume. Opaque outside its connector (rule O-1); may be a vector.
 */
export interface Offset {
  /** Raised whenever offsets are changed or reset over REST: of two offsets the higher epoch wins, whatever they say (O-2). */
  readonly epoch: number;
  /** The initial snapshot is not complete: behind this position there is no state of the source. */
  readonly initialSnapshot: boolean;
  /** < 0 if this is before `other`; of one epoch. Vectors that are not ordered compare by what is certainly durable. */
  compare(other: Offset): number;
  /**
   * What a sink at this position has of rows of `table` (`schema.table`) that belong to `mark`, when they are read again
   * because another sink, or another table of the same, is behind (O-4).
   */
  holds(mark: Offset, table: string): Held;
  /**
   * The position of a sink that was here when reading began further back, after it was given everything up to `next`:
   * this one while nothing was new to it, `next` itself once it differs from the others no more.
   */
  onward(next: Offset): Offset;
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
