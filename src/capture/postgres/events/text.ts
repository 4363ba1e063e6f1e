import type { ConnectSchema } from '../../../record/connect-schema.ts';
import { writeText } from '../../../record/connect-value.ts';
import { textAt } from '../codecs/text.ts';
import { Adapter } from './adapter.ts';
import { asIs, named, type Shape, TEXT } from './shape.ts';

/** Text as it is; `name` of a logical type. */
export function textShape(placeholder: string, name?: string): Shape {
  return asIs(name === undefined ? TEXT : named('string', name), '', placeholder);
}

export function enumShape(labels: readonly string[], placeholder: string): Shape {
  const schema = named('string', 'io.debezium.data.Enum', { allowed: labels.join(',') });
  return asIs(schema, '', placeholder);
}

/** A uuid is never out of line, but its placeholder is text all the same. */
export function uuidShape(placeholder: string): Shape {
  return {
    schema: named('string', 'io.debezium.data.Uuid'),
    zero: '',
    unavailable: placeholder,
    adapt: (out) => new UuidText(out),
  };
}

const HEX = Buffer.from('0123456789abcdef');
const DASH = 0x2d;

class UuidText extends Adapter {
  readonly #text = Buffer.alloc(36, DASH);

  override uuid(bytes: Uint8Array, start: number): void {
    const text = this.#text;
    let at = 0;
    for (let i = 0; i < 16; i++) {
      if (i === 4 || i === 6 || i === 8 || i === 10) at++;
      const byte = bytes[start + i];
      text[at++] = HEX[byte >> 4];
      text[at++] = HEX[byte & 15];
    }
    this.out.utf8(text, 0, 36);
  }
}

const HSTORE_MAP: ConnectSchema = {
  type: 'map',
  optional: false,
  keys: TEXT,
  values: { type: 'string', optional: true },
};

/** `hstore.handling.mode`; either way the pairs are in the order of Java's HashMap. */
export function hstoreShape(mode: 'json' | 'map', placeholder: string): Shape {
  if (mode === 'json') {
    return {
      schema: named('string', 'io.debezium.data.Json'),
      zero: '{}',
      unavailable: printJson([[placeholder, placeholder]]),
      adapt: (out) => new HstoreJson(out),
    };
  }
  return {
    schema: HSTORE_MAP,
    zero: new Map(),
    unavailable: new Map([[placeholder, placeholder]]),
    adapt: (out) => new HstoreMap(out),
  };
}

type Pair = readonly [string, string | null];

/** Takes the codec's JSON apart again: the keys are in no order then that a hash table would not change. */
class HstoreJson extends Adapter {
  override utf8(bytes: Uint8Array, start: number, end: number): void {
    const pairs = Object.entries(JSON.parse(textAt(bytes, start, end)) as Record<string, string | null>);
    writeText(printJson(inHashOrder(inHstoreOrder(pairs))), this.out);
  }
}

class HstoreMap extends Adapter {
  #pairs: [string, string | null][] = [];
  #key: string | null = null;

  override beginMap(_count: number): void {
    this.#pairs = [];
    this.#key = null;
  }
  override utf8(bytes: Uint8Array, start: number, end: number): void {
    this.#put(textAt(bytes, start, end));
  }
  override null(): void {
    if (this.#key === null) this.out.null();
    else this.#put(null);
  }
  override endMap(): void {
    this.out.beginMap(this.#pairs.length);
    for (const [key, value] of inHashOrder(this.#pairs)) {
      writeText(key, this.out);
      if (value === null) this.out.null();
      else writeText(value, this.out);
    }
    this.out.endMap();
  }

  #put(text: string | null): void {
    if (this.#key === null) {
      this.#key = text;
    } else {
      this.#pairs.push([this.#key, text]);
      this.#key = null;
    }
  }
}

/** As the server keeps and prints them: shorter keys first, then by bytes. */
function inHstoreOrder(pairs: readonly Pair[]): Pair[] {
  return pairs
    .map((pair) => ({ pair, bytes: Buffer.from(pair[0]) }))
    .sort((a, b) => a.bytes.length - b.bytes.length || a.bytes.compare(b.bytes))
    .map(({ pair }) => pair);
}

/**
 * The order in which java.util.HashMap hands out what was put into it in this order: by bucket, of a table that doubles
 * beyond three quarters full; within a bucket as put.
 */
function inHashOrder(pairs: readonly Pair[]): Pair[] {
  let size = 16;
  while (pairs.length > size * 0.75) size *= 2;
  return pairs
    .map((pair) => ({ pair, bucket: spreadHash(pair[0]) & (size - 1) }))
    .sort((a, b) => a.bucket - b.bucket)
    .map(({ pair }) => pair);
}

function spreadHash(text: string): number {
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0;
  return hash ^ (hash >>> 16);
}

function printJson(pairs: readonly Pair[]): string {
  return `{${pairs.map(([key, value]) => `${quote(key)}:${value === null ? 'null' : quote(value)}`).join(',')}}`;
}

/** Jackson's escapes have capital digits. */
function quote(text: string): string {
  return JSON.stringify(text).replace(/\\(?:u00[0-9a-f]{2}|.)/g, (sequence) =>
    sequence.length > 2 ? `\\u${sequence.slice(2).toUpperCase()}` : sequence,
  );
}
