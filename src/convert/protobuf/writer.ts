import type { ByteBuffer } from '../../base/byte-buffer.ts';
import { IcestreamError, invariant } from '../../base/errors.ts';
import { ByteWriter } from '../byte-writer.ts';
import type { SchemaWriter } from '../converter.ts';
import { rescale, smallTwosComplement, twosComplement } from '../decimal.ts';
import { dateParts, timestampParts } from './logical.ts';
import { DATE, PACKED, type ProtobufPlan, TIME_OF_DAY, TIMESTAMP } from './plan.ts';

/**
 * Writes values along a plan in Protobuf's encoding, behind what frames each of them.
 *
 * The length of a message stands before it and is known after it: room is left for as many bytes as the last one at this
 * step took, and the message moves if it needs another number of them.
 */
export class ProtobufWriter extends ByteWriter implements SchemaWriter {
  private readonly plan: ProtobufPlan;
  private readonly frame: Uint8Array;
  /** By step, how many bytes the length of the last message there took. */
  private readonly lengthBytes: Uint8Array;
  /** The messages and packed lists that are open: where their lengths go, -1 for none, and whose step that is. */
  private readonly openAt: number[] = [];
  private readonly openStep: number[] = [];
  private readonly openRoom: number[] = [];
  private depth = 0;
  private readonly scratch = new Uint8Array(8);

  private step = 0;

  constructor(plan: ProtobufPlan, frame: Uint8Array) {
    super();
    this.plan = plan;
    this.frame = frame;
    this.lengthBytes = new Uint8Array(plan.done).fill(1);
  }

  begin(out: ByteBuffer): void {
    out.append(this.frame);
    this.start(out);
    this.step = 0;
    this.depth = 0;
  }

  end(): void {
    invariant(this.step === this.plan.done, 'a value is written to its end');
    this.finish();
  }

  null(): void {
    const { step, plan } = this;
    const bytes = plan.nulls[step];
    if (bytes === null) {
      const { type, name } = plan.schemas[step];
      const message = 'Invalid value: null used where Protobuf has none';
      throw new IcestreamError('convert.null', message, { context: { type, schema: name } });
    }
    this.before(step, bytes.length);
    this.target.set(bytes, this.at);
    this.at += bytes.length;
    this.after(step);
  }

  bool(value: boolean): void {
    const { step } = this;
    this.before(step, SCALAR_MAX);
    if (this.beginScalar(step, value)) {
      this.target[this.at++] = value ? 1 : 0;
      this.endScalar(step);
    }
    this.after(step);
  }

  int32(value: number): void {
    const { step } = this;
    this.before(step, LOGICAL_MAX);
    const form = this.plan.form[step];
    if (form === DATE) this.date32(step, value);
    else if (form === TIME_OF_DAY) this.timeOfDay(step, value);
    else {
      if (this.beginScalar(step, value !== 0)) {
        this.signed(value);
        this.endScalar(step);
      }
    }
    this.after(step);
  }

  int64(hi: number, lo: number): void {
    const { step } = this;
    this.before(step, LOGICAL_MAX);
    if (this.plan.form[step] === TIMESTAMP) this.timestamp64(step, hi, lo);
    else {
      if (this.beginScalar(step, hi !== 0 || lo !== 0)) {
        this.varint64(hi, lo);
        this.endScalar(step);
      }
    }
    this.after(step);
  }

  float32(value: number): void {
    const { step } = this;
    this.before(step, SCALAR_MAX);
    if (this.beginScalar(step, !Object.is(value, 0))) {
      this.view.setFloat32(this.at, value, true);
      this.at += 4;
      this.endScalar(step);
    }
    this.after(step);
  }

  float64(value: number): void {
    const { step } = this;
    this.before(step, SCALAR_MAX);
    if (this.beginScalar(step, !Object.is(value, 0))) {
      this.view.setFloat64(this.at, value, true);
      this.at += 8;
      this.endScalar(step);
    }
    this.after(step);
  }

  decimalSmall(unscaled: number, scale: number): void {
    if (this.plan.scale[this.step] !== scale) {
      this.decimal(BigInt(unscaled), scale);
      return;
    }
    const { scratch } = this;
    const start = smallTwosComplement(unscaled, scratch);
    this.decimalMessage(scratch, start, 8, digitCount(unscaled), scale);
  }

  decimal(unscaled: bigint, scale: number): void {
    const schemaScale = this.plan.scale[this.step];
    const exact = rescale(unscaled, scale, schemaScale);
    const bytes = twosComplement(exact);
    const digits = String(exact < 0n ? -exact : exact).length;
    this.decimalMessage(bytes, 0, bytes.length, digits, schemaScale);
  }

  utf8(bytes: Uint8Array, start: number, end: number): void {
    this.bytes(bytes, start, end);
  }

  bytes(bytes: Uint8Array, start: number, end: number): void {
    const { step } = this;
    const length = end - start;
    this.before(step, SCALAR_MAX + length);
    if (this.beginScalar(step, length > 0)) {
      this.lengthDelimited(bytes, start, end);
      this.endScalar(step);
    }
    this.after(step);
  }

  beginList(count: number): void {
    const { step } = this;
    this.before(step, HEAD_MAX);
    if (this.plan.form[step] === PACKED && count > 0) this.open(step, this.plan.tag[step]);
    else this.openNothing();
    this.step = this.plan.child[step];
  }

  endList(): void {
    this.close();
    this.after(this.plan.owner[this.step]);
  }

  beginStruct(): void {
    const { step } = this;
    this.before(step, HEAD_MAX);
    const tag = this.plan.tag[step];
    if (tag === 0) this.openNothing();
    else this.open(step, tag);
    this.step = this.plan.child[step];
  }

  endStruct(): void {
    this.endList();
  }

  beginMap(): void {
    this.beginList(0);
  }

  endMap(): void {
    this.endList();
  }

  /** Makes room for a value and begins the entry that it may be the key of. */
  private before(step: number, room: number): void {
    this.reserve(room + HEAD_MAX);
    const entry = this.plan.entry[step];
    if (entry !== 0) this.open(step, entry);
  }

  private after(step: number): void {
    if (this.plan.endsEntry[step] === 1) this.close();
    this.step = this.plan.next[step];
  }

  /** Writes what stands before a scalar; false: nothing more is to be written, since a zero is what is not there. */
  private beginScalar(step: number, isSome: boolean): boolean {
    const { plan } = this;
    const wrapper = plan.wrapper[step];
    if (wrapper !== 0) {
      this.varint(wrapper);
      if (!isSome) {
        this.target[this.at++] = 0;
        return false;
      }
      this.open(step, 0);
    } else if (!isSome && plan.explicit[step] === 0) {
      return false;
    }
    const tag = plan.tag[step];
    if (tag !== 0) this.varint(tag);
    return true;
  }

  private endScalar(step: number): void {
    if (this.plan.wrapper[step] !== 0) this.close();
  }

  private lengthDelimited(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    this.varint(length);
    const { target } = this;
    let at = this.at;
    if (length > SET_BYTES_MIN) target.set(bytes.subarray(start, end), at);
    else for (let i = start; i < end; i++) target[at++] = bytes[i];
    this.at += length;
  }

  /** confluent.type.Decimal: value 1, precision 2, scale 3. */
  private decimalMessage(
    bytes: Uint8Array,
    start: number,
    end: number,
    precision: number,
    scale: number,
  ): void {
    const { step } = this;
    this.before(step, LOGICAL_MAX + end - start);
    this.open(step, this.plan.tag[step]);
    this.target[this.at++] = 0x0a;
    this.lengthDelimited(bytes, start, end);
    this.field(0x10, precision);
    this.field(0x18, scale);
    this.close();
    this.after(step);
  }

  /** google.type.Date: year 1, month 2, day 3. */
  private date32(step: number, days: number): void {
    const { year, month, day } = dateParts(days);
    this.open(step, this.plan.tag[step]);
    this.field(0x08, year);
    this.field(0x10, month);
    this.field(0x18, day);
    this.close();
  }

  /** google.type.TimeOfDay: hours 1, minutes 2, seconds 3, nanos 4. Milliseconds to midnight come, midnight itself as 0. */
  private timeOfDay(step: number, millis: number): void {
    if (millis < 0 || millis > DAY_MS) {
      const message = 'Time values must use number of millis greater than 0 and less than 86400000';
      throw new IcestreamError('convert.value', message);
    }
    const rest = millis % DAY_MS;
    this.open(step, this.plan.tag[step]);
    this.field(0x08, Math.floor(rest / 3_600_000));
    this.field(0x10, Math.floor(rest / 60_000) % 60);
    this.field(0x18, Math.floor(rest / 1000) % 60);
    this.field(0x20, (rest % 1000) * 1_000_000);
    this.close();
  }

  /** google.protobuf.Timestamp: seconds 1, nanos 2. */
  private timestamp64(step: number, hi: number, lo: number): void {
    const { seconds, nanos } = timestampParts(hi * 0x1_0000_0000 + lo);
    this.open(step, this.plan.tag[step]);
    if (seconds !== 0) {
      this.target[this.at++] = 0x08;
      const high = Math.floor(seconds / 0x1_0000_0000);
      this.varint64(high, seconds - high * 0x1_0000_0000);
    }
    this.field(0x10, nanos);
    this.close();
  }

  /** An int32 of a message that is known; zero is left out. */
  private field(tag: number, value: number): void {
    if (value === 0) return;
    this.target[this.at++] = tag;
    this.signed(value);
  }

  /** The tag, if there is one, and room for the length. */
  private open(step: number, tag: number): void {
    if (tag !== 0) this.varint(tag);
    const room = this.lengthBytes[step];
    this.openAt[this.depth] = this.at;
    this.openStep[this.depth] = step;
    this.openRoom[this.depth++] = room;
    this.at += room;
  }

  private openNothing(): void {
    this.openAt[this.depth++] = -1;
  }

  private close(): void {
    const start = this.openAt[--this.depth];
    if (start < 0) return;
    const room = this.openRoom[this.depth];
    const length = this.at - start - room;
    const needed = varintSize(length);
    if (needed !== room) {
      this.reserve(needed);
      this.target.copyWithin(start + needed, start + room, this.at);
      this.lengthBytes[this.openStep[this.depth]] = needed;
    }
    this.at = start;
    this.varint(length);
    this.at += length;
  }

  /** Negative ones take ten bytes, as 64 bits. */
  private signed(value: number): void {
    if (value >= 0) this.varint(value);
    else this.varint64(-1, value);
  }
}

function varintSize(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  return value < 0x20_0000 ? 3 : value < 0x1000_0000 ? 4 : 5;
}

/** Of a safe integer, as BigDecimal.precision counts them. */
function digitCount(value: number): number {
  let count = 1;
  for (let rest = Math.abs(value); rest >= 10; rest = Math.floor(rest / 10)) count++;
  return count;
}

const DAY_MS = 86_400_000;
/** A tag and a length. */
const HEAD_MAX = 10;
/** The heads of a wrapper and of what is in it, and a number. */
const SCALAR_MAX = 2 * HEAD_MAX + 10;
/** Five fields of a known message. */
const LOGICAL_MAX = HEAD_MAX + 5 * 11;
/** Where copying natively is worth an object for the range. */
const SET_BYTES_MIN = 48;
