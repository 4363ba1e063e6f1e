import type { Codec, ValueWriter } from '../../../record/value.ts';
import { float64At, int32At, uint32At } from './integer.ts';
import { printFloat8 } from './print.ts';
import { printedCodec } from './text.ts';

/** `point_send`: x and y as float8, a struct of two. */
export const pointCodec: Codec = {
  read(bytes, start, _end, out) {
    out.beginStruct();
    out.float64(float64At(bytes, start));
    out.float64(float64At(bytes, start + 8));
    out.endStruct();
  },
};

/** The others are text as the server prints them: their numbers mean nothing alone. */
export const lineCodec = printedCodec(
  (bytes, start) => `{${number(bytes, start)},${number(bytes, start + 8)},${number(bytes, start + 16)}}`,
);

export const lsegCodec = printedCodec((bytes, start) => `[${points(bytes, start, 2)}]`);

export const boxCodec = printedCodec((bytes, start) => points(bytes, start, 2));

/** `path_send`: byte 1 when closed, int32 count, points. */
export const pathCodec = printedCodec((bytes, start) => {
  const text = points(bytes, start + 5, int32At(bytes, start + 1));
  return bytes[start] !== 0 ? `(${text})` : `[${text}]`;
});

export const polygonCodec = printedCodec(
  (bytes, start) => `(${points(bytes, start + 4, int32At(bytes, start))})`,
);

export const circleCodec = printedCodec(
  (bytes, start) => `<${points(bytes, start, 1)},${number(bytes, start + 16)}>`,
);

const EWKB_HAS_SRID = 0x20000000;

/**
 * PostGIS `geometry_send`, `geography_send`: EWKB as it is, and its SRID, which stands behind the type word where the
 * type word says so (null elsewhere).
 */
export const ewkbCodec: Codec = {
  read(bytes, start, end, out) {
    out.beginStruct();
    out.bytes(bytes, start, end);
    writeSrid(bytes, start, out);
    out.endStruct();
  },
};

function writeSrid(bytes: Uint8Array, start: number, out: ValueWriter): void {
  const at = bytes[start] === 1 ? littleUint32At : uint32At;
  if ((at(bytes, start + 1) & EWKB_HAS_SRID) === 0) out.null();
  else out.int32(at(bytes, start + 5) | 0);
}

function littleUint32At(bytes: Uint8Array, at: number): number {
  return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0;
}

function points(bytes: Uint8Array, at: number, count: number): string {
  const texts: string[] = [];
  for (let i = 0; i < count; i++, at += 16) texts.push(`(${number(bytes, at)},${number(bytes, at + 8)})`);
  return texts.join(',');
}

function number(bytes: Uint8Array, at: number): string {
  return printFloat8(float64At(bytes, at));
}
