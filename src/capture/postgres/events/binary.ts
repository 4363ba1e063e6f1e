import type { ValueWriter } from '../../../record/value.ts';
import type { PostgresConfig } from '../config.ts';
import { Adapter } from './adapter.ts';
import { asIs, BYTES, named, type Shape, TEXT } from './shape.ts';

export type BinaryMode = PostgresConfig['binary.handling.mode'];

/** `placeholder` is not encoded: Debezium puts the text itself where the mode makes texts of bytes. */
export function byteaShape(mode: BinaryMode, placeholder: string): Shape {
  if (mode === 'bytes') return asIs(BYTES, new Uint8Array(), Buffer.from(placeholder));
  const encoding = mode === 'base64-url-safe' ? 'base64url' : mode;
  return {
    schema: TEXT,
    zero: '',
    unavailable: placeholder,
    adapt: (out) => new EncodedBytes(out, encoding),
  };
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

/** The text of a type that has no schema of its own, as bytes: `include.unknown.datatypes`. */
export function unknownShape(mode: BinaryMode, placeholder: string): Shape {
  const { schema, zero, unavailable, adapt } = byteaShape(mode, placeholder);
  return { schema, zero, unavailable, adapt: (out) => new TextAsBytes(adapt(out)) };
}

class TextAsBytes extends Adapter {
  override utf8(bytes: Uint8Array, start: number, end: number): void {
    this.out.bytes(bytes, start, end);
  }
  override int64(hi: number, lo: number): void {
    const text = Buffer.from(String((BigInt(hi) << 32n) + BigInt(lo)));
    this.out.bytes(text, 0, text.length);
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
