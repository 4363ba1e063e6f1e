import type { Codec } from '../../../record/value.ts';
import { int32At } from './integer.ts';
import { type Printed, printValue } from './print.ts';
import { printedCodec, textAt, writeText } from './text.ts';

/**
 * `array_send`: int32 dimensions, int32 has-nulls, oid of the element, per dimension int32 size and int32 lower bound;
 * then each element as int32 length (-1 null) and bytes, last dimension fastest.
 *
 * The column is a list of one dimension, as PostgreSQL's type is. A value of more dimensions becomes a list of nulls,
 * one per outer element, as Debezium has it: the schema cannot hold more.
 */
export function arrayCodec(element: Codec): Codec {
  return {
    read(bytes, start, _end, out) {
      const dimensions = int32At(bytes, start);
      const count = dimensions === 0 ? 0 : int32At(bytes, start + 12);
      out.beginList(count);
      if (dimensions > 1) {
        for (let i = 0; i < count; i++) out.null();
      } else {
        let at = start + 20;
        for (let i = 0; i < count; i++) {
          const length = int32At(bytes, at);
          at += 4;
          if (length < 0) {
            out.null();
          } else {
            element.read(bytes, at, at + length, out);
            at += length;
          }
        }
      }
      out.endList();
    },
  };
}

/** `hstore_send`: int32 count, then key and value as int32 length (-1: null value) and text. */
export const hstoreMapCodec: Codec = {
  read(bytes, start, _end, out) {
    const count = int32At(bytes, start);
    let at = start + 4;
    out.beginMap(count);
    for (let i = 0; i < count; i++) {
      const keyEnd = at + 4 + int32At(bytes, at);
      out.utf8(bytes, at + 4, keyEnd);
      const length = int32At(bytes, keyEnd);
      at = keyEnd + 4;
      if (length < 0) {
        out.null();
      } else {
        out.utf8(bytes, at, at + length);
        at += length;
      }
    }
    out.endMap();
  },
};

/** The same as a JSON object of strings, Debezium's default. */
export const hstoreJsonCodec: Codec = {
  read(bytes, start, _end, out) {
    const count = int32At(bytes, start);
    const pairs: string[] = [];
    let at = start + 4;
    for (let i = 0; i < count; i++) {
      const keyEnd = at + 4 + int32At(bytes, at);
      const key = JSON.stringify(textAt(bytes, at + 4, keyEnd));
      const length = int32At(bytes, keyEnd);
      at = keyEnd + 4;
      pairs.push(`${key}:${length < 0 ? 'null' : JSON.stringify(textAt(bytes, at, at + length))}`);
      if (length > 0) at += length;
    }
    writeText(`{${pairs.join(',')}}`, out);
  },
};

const EMPTY = 0x01;
const LOWER_INCLUSIVE = 0x02;
const UPPER_INCLUSIVE = 0x04;
const LOWER_INFINITE = 0x08;
const UPPER_INFINITE = 0x10;

/** `range_send`: one byte of flags, then the bounds that exist as int32 length and bytes. Text as the server prints it. */
export function rangeCodec(element: Printed): Codec {
  return printedCodec((bytes, start) => printRange(element, bytes, start));
}

/** `multirange_send`: int32 count, then ranges as int32 length and bytes. */
export function multirangeCodec(element: Printed): Codec {
  return printedCodec((bytes, start) => {
    const count = int32At(bytes, start);
    const ranges: string[] = [];
    let at = start + 4;
    for (let i = 0; i < count; i++) {
      ranges.push(printRange(element, bytes, at + 4));
      at += 4 + int32At(bytes, at);
    }
    return `{${ranges.join(',')}}`;
  });
}

function printRange(element: Printed, bytes: Uint8Array, start: number): string {
  const flags = bytes[start];
  if (flags & EMPTY) return 'empty';
  let at = start + 1;
  const bound = () => {
    const end = at + 4 + int32At(bytes, at);
    const text = printValue(element, bytes, at + 4, end);
    at = end;
    return quoteField(text, /[()[\]",\\\s]/);
  };
  const lower = flags & LOWER_INFINITE ? '' : bound();
  const upper = flags & UPPER_INFINITE ? '' : bound();
  return `${flags & LOWER_INCLUSIVE ? '[' : '('}${lower},${upper}${flags & UPPER_INCLUSIVE ? ']' : ')'}`;
}

/** `record_send`: int32 field count, then per field its type's oid, int32 length (-1 null) and bytes. */
export function compositeCodec(fields: readonly Printed[]): Codec {
  return printedCodec((bytes, start) => {
    const count = int32At(bytes, start);
    const texts: string[] = [];
    let at = start + 4;
    for (let i = 0; i < count; i++) {
      const length = int32At(bytes, at + 4);
      at += 8;
      if (length < 0) {
        texts.push('');
      } else {
        texts.push(quoteField(printValue(fields[i], bytes, at, at + length), /[()",\\\s]/));
        at += length;
      }
    }
    return `(${texts.join(',')})`;
  });
}

/** Quotes and backslashes are doubled inside quotes, in ranges and composites alike. */
function quoteField(text: string, special: RegExp): string {
  if (text !== '' && !special.test(text)) return text;
  return `"${text.replace(/["\\]/g, '$&$&')}"`;
}
