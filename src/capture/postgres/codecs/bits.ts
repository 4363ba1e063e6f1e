import type { Codec } from '../../../record/value.ts';
import { int32At } from './integer.ts';
import { printedCodec } from './text.ts';

/** `bit_send`, `varbit_send`: int32 bit count, then bytes, first bit highest. Written as text of 0 and 1, which keeps the count. */
export const bitsCodec = printedCodec((bytes, start) => {
  const count = int32At(bytes, start);
  let text = '';
  for (let i = 0; i < count; i++) text += (bytes[start + 4 + (i >> 3)] >> (7 - (i & 7))) & 1;
  return text;
});

/** `bit(1)` is what older schemas call a boolean, and Debezium takes it as one. */
export const bitBooleanCodec: Codec = {
  read(bytes, start, _end, out) {
    out.bool(bytes[start + 4] >= 0x80);
  },
};
