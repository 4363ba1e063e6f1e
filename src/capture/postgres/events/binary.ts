import { doubleText } from '../../../convert/java-text.ts';
import type { LogicalType, ValueWriter } from '../../../record/value.ts';
import { printDecimal } from '../codecs/print.ts';
import { textAt } from '../codecs/text.ts';
import type { PostgresConfig } from '../config.ts';
import { Adapter, ListAdapter } from './adapter.ts';
import { asIs, BYTES, named, type Shape, TEXT } from './shape.ts';

export type BinaryMode = PostgresConfig['binary.handling.mode'];

/** In hex mode the placeholder is the text itself; in base64 Debezium fails to make one. */
export function byteaShape(mode: BinaryMode, placeholder: string): Shape {
  if (mode === 'bytes') return asIs(BYTES, new Uint8Array(), Buffer.from(placeholder));
  const encoding = mode === 'base64-url-safe' ? 'base64url' : mode;
  const shape = { schema: TEXT, zero: '', adapt: (out: ValueWriter) => new EncodedBytes(out, encoding) };
  return mode === 'hex' ? { ...shape, unavailable: placeholder } : shape;
}

class EncodedBytes extends Adapter {
  readonly #encoding: 'base64' | 'base64url' | 'hex';
  #text = Buffer.alloc(256);

  constructor(out: ValueWriter, encoding: 'base64' | 'base64url' | 'hex') {
    super(out);
    this.#encoding = encoding;
  }

  override bytes(bytes: Uint8Array, start: number, end: number): void {
    const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let text = whole.toString(this.#encoding, start, end);
    // Java's encoder pads both alphabets.
    if (this.#encoding === 'base64url') text = text.padEnd(Math.ceil(text.length / 4) * 4, '=');
    if (text.length > this.#text.length) this.#text = Buffer.alloc(text.length * 2);
    this.out.utf8(this.#text, 0, this.#text.write(text, 0, 'latin1'));
  }
}

/** Kinds whose text `TextAsBytes` makes. */
const PRINTED = new Set(['int16', 'int32', 'int64', 'decimal', 'string', 'enum', 'json', 'xml']);

/**
 * `include.unknown.datatypes`: the text of a type that has no schema of its own, as bytes; an array of such texts. Null for
 * what has no text here either.
 */
export function unknownShape(logical: LogicalType, name: string, config: PostgresConfig): Shape | null {
  const placeholder = config['unavailable.value.placeholder'];
  const { schema, zero, unavailable, adapt } = byteaShape(config['binary.handling.mode'], placeholder);
  const isList = logical.kind === 'list';
  if (!PRINTED.has(isList ? logical.element.kind : logical.kind)) return null;
  const print = (out: ValueWriter) =>
    GEOMETRIC.has(name) ? new GeometricText(adapt(out)) : new TextAsBytes(adapt(out));
  if (!isList) return { ...(unavailable === undefined ? {} : { unavailable }), schema, zero, adapt: print };
  return {
    schema: { type: 'array', optional: false, values: schema },
    zero: [],
    adapt: (out) => new ListAdapter(out, print(out)),
  };
}

class TextAsBytes extends Adapter {
  override utf8(bytes: Uint8Array, start: number, end: number): void {
    this.out.bytes(bytes, start, end);
  }
  override int32(value: number): void {
    this.text(String(value));
  }
  override int64(hi: number, lo: number): void {
    this.text(String((BigInt(hi) << 32n) + BigInt(lo)));
  }
  override decimalSmall(unscaled: number, scale: number): void {
    this.decimal(BigInt(unscaled), scale);
  }
  override decimal(unscaled: bigint, scale: number): void {
    const isNegative = unscaled < 0n;
    this.text(printDecimal(String(isNegative ? -unscaled : unscaled), isNegative, scale));
  }

  protected text(text: string): void {
    const bytes = Buffer.from(text);
    this.out.bytes(bytes, 0, bytes.length);
  }
}

const GEOMETRIC = new Set(['line', 'lseg', 'box', 'path', 'polygon', 'circle']);

/** The numbers as Java prints them. */
class GeometricText extends TextAsBytes {
  override utf8(bytes: Uint8Array, start: number, end: number): void {
    const number = /-?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|Infinity|NaN)/g;
    this.text(textAt(bytes, start, end).replace(number, (digits) => doubleText(Number(digits))));
  }
}

/** What java.lang.Integer.MAX_VALUE bits are: the length of varbit without one. */
const UNLIMITED = 2_147_483_647;

/** bit(n) and varbit(n); of one bit it is a boolean. */
export function bitsShape(length: number | null): Shape {
  if (length === 1) {
    return {
      schema: { type: 'boolean', optional: false },
      zero: false,
      adapt: (out) => new OneBit(out),
    };
  }
  return {
    schema: named('bytes', 'io.debezium.data.Bits', { length: String(length ?? UNLIMITED) }),
    zero: new Uint8Array(),
    adapt: (out) => new LittleEndianBits(out),
  };
}

/** Debezium gives an array of bits the schema of one of them, and then fails to put a value in. */
export function bitsArrayShape(length: number): Shape {
  const { schema, zero } = bitsShape(length);
  return { schema, zero, adapt: (out) => new NullInstead(out) };
}

class NullInstead extends Adapter {
  override beginList(_count: number): void {}
  override bool(_value: boolean): void {}
  override utf8(_bytes: Uint8Array, _start: number, _end: number): void {}
  override null(): void {}
  override endList(): void {
    this.out.null();
  }
}

const ONE = 0x31;

class OneBit extends Adapter {
  override utf8(bytes: Uint8Array, start: number, end: number): void {
    this.out.bool(end > start && bytes[end - 1] === ONE);
  }
}

/** The last bit is the lowest of the first byte; bytes behind the highest bit that is set are left out. */
class LittleEndianBits extends Adapter {
  #bits = Buffer.alloc(16);

  override utf8(bytes: Uint8Array, start: number, end: number): void {
    let first = start;
    while (first < end && bytes[first] !== ONE) first++;
    const size = (end - first + 7) >> 3;
    if (size > this.#bits.length) this.#bits = Buffer.alloc(size * 2);
    const bits = this.#bits;
    bits.fill(0, 0, size);
    for (let at = first; at < end; at++) {
      const place = end - 1 - at;
      if (bytes[at] === ONE) bits[place >> 3] |= 1 << (place & 7);
    }
    this.out.bytes(bits, 0, size);
  }
}
