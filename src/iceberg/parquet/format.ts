/** Numbers of parquet.thrift that we write. */

export const PHYSICAL = {
  boolean: 0,
  int32: 1,
  int64: 2,
  float: 4,
  double: 5,
  byteArray: 6,
  fixedLenByteArray: 7,
} as const;

export type Physical = keyof typeof PHYSICAL;

export const ENCODING = { plain: 0, rle: 3, rleDictionary: 8 } as const;

export const CODEC = { none: 0, snappy: 1, zstd: 6 } as const;

export type Compression = keyof typeof CODEC;

export const REPETITION = { required: 0, optional: 1, repeated: 2 } as const;

export type Repetition = keyof typeof REPETITION;

export const PAGE = { data: 0, dictionary: 2 } as const;

/** Legacy annotations, which readers from before logical types look at. */
export const CONVERTED = {
  utf8: 0,
  map: 1,
  list: 3,
  decimal: 5,
  date: 6,
  timeMicros: 8,
  timestampMicros: 10,
} as const;

export const MAGIC = Buffer.from('PAR1');
