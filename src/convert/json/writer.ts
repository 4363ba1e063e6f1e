import type { ByteBuffer } from '../../base/byte-buffer.ts';
import { invariant } from '../../base/errors.ts';
import { ByteWriter } from '../byte-writer.ts';
import type { SchemaWriter } from '../converter.ts';
import { rescale, smallTwosComplement, twosComplement } from '../decimal.ts';
import { decimalText, doubleText, floatText } from '../java-text.ts';
import {
  DOUBLE_SHORT_MAX,
  INT32_DIGITS_MAX,
  INT64_DIGITS_MAX,
  writeBase64,
  writeInt32,
  writeInt64,
  writeShortDouble,
} from './digits.ts';
import { ESCAPE_MAX, TextCopy, writeEscaped } from './escape.ts';
import type { JsonPlan } from './plan.ts';
import { type JsonStyle, missingValue } from './text.ts';

/** Writes values along a plan: its state is the step that comes next and where the next byte goes. */
export class JsonWriter extends ByteWriter implements SchemaWriter {
  private readonly plan: JsonPlan;
  private readonly words: Int32Array;
  private readonly prefixAt: Int32Array;
  private readonly prefixLength: Int32Array;
  private readonly next: Int32Array;
  private readonly style: JsonStyle;
  /** Around the value, once per record: the schema before it, a bracket after it. */
  readonly head: Uint8Array;
  private readonly tail: Uint8Array;
  private readonly copy = new TextCopy();
  private readonly scratch = new Uint8Array(8);

  private step = 0;

  constructor(plan: JsonPlan, style: JsonStyle, head: Uint8Array, tail: Uint8Array) {
    super();
    this.plan = plan;
    this.words = plan.words;
    this.prefixAt = plan.prefixAt;
    this.prefixLength = plan.prefixLength;
    this.next = plan.next;
    this.style = style;
    this.head = head;
    this.tail = tail;
  }

  begin(out: ByteBuffer, headless = false): void {
    if (!headless && this.head.length > 0) out.append(this.head);
    this.start(out);
    this.step = 0;
  }

  end(): void {
    invariant(this.step === this.plan.done, 'a value is written to its end');
    this.finish();
    if (this.tail.length > 0) this.out.append(this.tail);
  }

  null(): void {
    const { plan, step } = this;
    const length = plan.nullLength[step];
    if (length < 0) throw missingValue(plan.schemas[step]);
    this.reserve(length);
    this.put(plan.nullAt[step], length);
    this.step = this.next[step];
  }

  bool(value: boolean): void {
    this.prefix(5);
    const { target } = this;
    let at = this.at;
    if (value) {
      target[at++] = 0x74;
      target[at++] = 0x72;
      target[at++] = 0x75;
    } else {
      target[at++] = 0x66;
      target[at++] = 0x61;
      target[at++] = 0x6c;
      target[at++] = 0x73;
    }
    target[at++] = 0x65;
    this.at = at;
    this.step = this.next[this.step];
  }

  int32(value: number): void {
    this.prefix(INT32_DIGITS_MAX);
    this.at = writeInt32(this.target, this.at, value);
    this.step = this.next[this.step];
  }

  int64(hi: number, lo: number): void {
    this.prefix(INT64_DIGITS_MAX);
    this.at = writeInt64(this.target, this.at, hi, lo);
    this.step = this.next[this.step];
  }

  float32(value: number): void {
    this.number(floatText(value));
  }

  float64(value: number): void {
    this.prefix(DOUBLE_SHORT_MAX);
    const end = writeShortDouble(this.target, this.at, value);
    if (end < 0) {
      this.text(doubleText(value));
      return;
    }
    this.at = end;
    this.step = this.next[this.step];
  }

  decimalSmall(unscaled: number, scale: number): void {
    const more = this.plan.scale[this.step] - scale;
    if (more === 0 && !this.style.numericDecimals) {
      this.smallDecimal(unscaled);
      return;
    }
    const scaled = more > 0 && more < POWERS.length ? unscaled * POWERS[more] : Number.NaN;
    if (!this.style.numericDecimals && Number.isSafeInteger(scaled)) this.smallDecimal(scaled);
    else this.decimal(BigInt(unscaled), scale);
  }

  decimal(unscaled: bigint, scale: number): void {
    const schemaScale = this.plan.scale[this.step];
    const exact = rescale(unscaled, scale, schemaScale);
    if (this.style.numericDecimals) {
      this.number(decimalText(exact, schemaScale));
      return;
    }
    const bytes = twosComplement(exact);
    this.bytes(bytes, 0, bytes.length);
  }

  utf8(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    this.prefix(length + 2);
    let at = this.at;
    this.target[at++] = QUOTE;
    const plain = this.copy.plain(bytes, start, end, this.target, this.view, at);
    at += plain;
    if (plain < length) at = this.escaped(bytes, start + plain, end, at);
    this.target[at] = QUOTE;
    this.at = at + 1;
    this.step = this.next[this.step];
  }

  bytes(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    this.prefix(Math.ceil(length / 3) * 4 + 2);
    let at = this.at;
    this.target[at++] = QUOTE;
    if (length < BASE64_NATIVE_MIN) {
      at = writeBase64(this.target, at, bytes, start, end);
    } else {
      const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, length).toString('base64');
      at += this.out.bytes.write(text, at, 'latin1');
    }
    this.target[at] = QUOTE;
    this.at = at + 1;
    this.step = this.next[this.step];
  }

  beginList(): void {
    this.open();
  }

  endList(): void {
    this.close();
  }

  beginStruct(): void {
    this.open();
  }

  endStruct(): void {
    this.close();
  }

  beginMap(): void {
    this.open();
  }

  endMap(): void {
    this.close();
  }

  private open(): void {
    const { plan, step } = this;
    const length = plan.openLength[step];
    this.reserve(length);
    this.put(plan.openAt[step], length);
    this.step = plan.child[step];
  }

  private close(): void {
    const { plan, step } = this;
    const length = plan.closeLength[step];
    this.reserve(length);
    this.put(plan.closeAt[step], length);
    this.step = plan.closed[step];
  }

  /** ASCII; what is no JSON number is quoted. */
  private number(text: string): void {
    this.prefix(0);
    this.text(text);
  }

  private text(text: string): void {
    const length = text.length;
    const quoted = text.charCodeAt(length - 1) > NINE;
    this.reserve(length + 2);
    const { target } = this;
    let at = this.at;
    if (quoted) target[at++] = QUOTE;
    for (let i = 0; i < length; i++) target[at++] = text.charCodeAt(i);
    if (quoted) target[at++] = QUOTE;
    this.at = at;
    this.step = this.next[this.step];
  }

  private smallDecimal(unscaled: number): void {
    const { scratch } = this;
    this.bytes(scratch, smallTwosComplement(unscaled, scratch), 8);
  }

  /** The rest of a text from the first byte on that must be escaped, in pieces that do not part characters. */
  private escaped(bytes: Uint8Array, start: number, end: number, at: number): number {
    for (let from = start; from < end; ) {
      let to = Math.min(end, from + ESCAPED_AT_ONCE);
      for (let back = 0; back < 3 && to < end && (bytes[to] & 0xc0) === 0x80; back++) to--;
      this.at = at;
      this.reserve((to - from) * ESCAPE_MAX + 1);
      at = writeEscaped(bytes, from, to, this.target, at);
      from = to;
    }
    return at;
  }

  /** Writes what stands before a value and makes room for the value itself. */
  private prefix(room: number): void {
    const { step } = this;
    const length = this.prefixLength[step];
    this.reserve(length + room);
    this.put(this.prefixAt[step], length);
  }

  private put(word: number, length: number): void {
    const { words, view, at } = this;
    for (let i = 0; i < length; i += 4) view.setInt32(at + i, words[word++], true);
    this.at = at + length;
  }
}

const QUOTE = 0x22;
const NINE = 0x39;
const ESCAPED_AT_ONCE = 1024;
/** Where the engine's own encoder, which makes a string, begins to win over a loop. */
const BASE64_NATIVE_MIN = 512;
const POWERS = Array.from({ length: 16 }, (_, i) => 10 ** i);
