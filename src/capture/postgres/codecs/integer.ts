import type { Codec } from '../../../record/value.ts';

/** `boolsend`: one byte, 0 or 1. */
export const boolCodec: Codec = {
  read(bytes, start, _end, out) {
    out.bool(bytes[start] !== 0);
  },
};

/** `int2send`: two bytes, big endian, signed, as all integers of PostgreSQL's binary form. */
export const int2Codec: Codec = {
  read(bytes, start, _end, out) {
    out.int32(((bytes[start] << 24) >> 16) | bytes[start + 1]);
  },
};

export const int4Codec: Codec = {
  read(bytes, start, _end, out) {
    out.int32(int32At(bytes, start));
  },
};

export const int8Codec: Codec = {
  read(bytes, start, _end, out) {
    out.int64(int32At(bytes, start), uint32At(bytes, start + 4));
  },
};

/** `oidsend`, `xidsend`, `cidsend`: unsigned, so they need 64 bits. */
export const uint4Codec: Codec = {
  read(bytes, start, _end, out) {
    out.int64(0, uint32At(bytes, start));
  },
};

/** Reused between calls: `float64At` fills and reads it without anything running in between. */
const FLOAT_BYTES = new DataView(new ArrayBuffer(8));

export const float4Codec: Codec = {
  read(bytes, start, _end, out) {
    out.float32(float32At(bytes, start));
  },
};

export const float8Codec: Codec = {
  read(bytes, start, _end, out) {
    out.float64(float64At(bytes, start));
  },
};

export function int32At(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
}

export function uint32At(bytes: Uint8Array, at: number): number {
  return int32At(bytes, at) >>> 0;
}

export function uint16At(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 8) | bytes[at + 1];
}

export function int16At(bytes: Uint8Array, at: number): number {
  return ((bytes[at] << 24) >> 16) | bytes[at + 1];
}

export function float32At(bytes: Uint8Array, at: number): number {
  FLOAT_BYTES.setInt32(0, int32At(bytes, at));
  return FLOAT_BYTES.getFloat32(0);
}

export function float64At(bytes: Uint8Array, at: number): number {
  FLOAT_BYTES.setInt32(0, int32At(bytes, at));
  FLOAT_BYTES.setInt32(4, int32At(bytes, at + 4));
  return FLOAT_BYTES.getFloat64(0);
}

/** The 64-bit integer as a BigInt: for rare values only. */
export function int64At(bytes: Uint8Array, at: number): bigint {
  return (BigInt(int32At(bytes, at)) << 32n) | BigInt(uint32At(bytes, at + 4));
}
