import type { Codec } from '../../../record/value.ts';
import { float32At, int32At, uint16At } from './integer.ts';

/** pgvector `vector_send`: uint16 dimensions, uint16 unused, float4 each. */
export const vectorCodec: Codec = {
  read(bytes, start, _end, out) {
    const count = uint16At(bytes, start);
    out.beginList(count);
    for (let i = 0; i < count; i++) out.float32(float32At(bytes, start + 4 + 4 * i));
    out.endList();
  },
};

/** pgvector `halfvec_send`: as vector, with two-byte floats. */
export const halfvecCodec: Codec = {
  read(bytes, start, _end, out) {
    const count = uint16At(bytes, start);
    out.beginList(count);
    for (let i = 0; i < count; i++) out.float32(halfAt(bytes, start + 4 + 2 * i));
    out.endList();
  },
};

/**
 * pgvector `sparsevec_send`: int32 dimensions, int32 count, int32 unused, int32 zero-based indices, float4 values.
 * A struct of dimensions, one-based indices (as pgvector prints them) and values.
 */
export const sparsevecCodec: Codec = {
  read(bytes, start, _end, out) {
    const count = int32At(bytes, start + 4);
    const indices = start + 12;
    const values = indices + 4 * count;
    out.beginStruct();
    out.int32(int32At(bytes, start));
    out.beginList(count);
    for (let i = 0; i < count; i++) out.int32(int32At(bytes, indices + 4 * i) + 1);
    out.endList();
    out.beginList(count);
    for (let i = 0; i < count; i++) out.float32(float32At(bytes, values + 4 * i));
    out.endList();
    out.endStruct();
  },
};

/** IEEE 754 binary16. */
function halfAt(bytes: Uint8Array, at: number): number {
  const half = uint16At(bytes, at);
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
