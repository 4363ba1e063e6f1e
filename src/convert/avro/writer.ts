import type { ByteBuffer } from '../../base/byte-buffer.ts';
import { invariant } from '../../base/errors.ts';
import { ByteWriter } from '../byte-writer.ts';
import type { SchemaWriter } from '../converter.ts';
import { rescale, smallTwosComplement, twosComplement } from '../decimal.ts';
import { missingValue } from './bytes.ts';
import type { AvroPlan } from './plan.ts';

/** Writes values along a plan in Avro's binary encoding, behind what frames each of them. */
export class AvroWriter extends ByteWriter implements SchemaWriter {
  private readonly plan: AvroPlan;
  private readonly branch: Int32Array;
  private readonly next: Int32Array;
  private readonly frame: Uint8Array;
  private readonly scratch = new Uint8Array(8);

  private step = 0;

  constructor(plan: AvroPlan, frame: Uint8Array) {
    super();
    this.plan = plan;
    this.branch = plan.branch;
    this.next = plan.next;
    this.frame = frame;
  }

  begin(out: ByteBuffer): void {
    out.append(this.frame);
    this.start(out);
    this.step = 0;
  }

  end(): void {
    invariant(this.step === this.plan.done, 'a value is written to its end');
    this.finish();
  }

  null(): void {
    const bytes = this.plan.nulls[this.step];
    if (bytes === null) throw missingValue(this.plan.schemas[this.step]);
    this.reserve(bytes.length);
    for (let i = 0; i < bytes.length; i++) this.target[this.at + i] = bytes[i];
    this.at += bytes.length;
    this.step = this.next[this.step];
  }

  bool(value: boolean): void {
    this.prefix(1);
    this.target[this.at++] = value ? 1 : 0;
    this.step = this.next[this.step];
  }

  int32(value: number): void {
    this.prefix(LONG_BYTES_MAX);
    this.varint((value << 1) ^ (value >> 31));
    this.step = this.next[this.step];
  }

  int64(hi: number, lo: number): void {
    this.prefix(LONG_BYTES_MAX);
    const sign = hi >> 31;
    this.varint64(((hi << 1) | (lo >>> 31)) ^ sign, (lo << 1) ^ sign);
    this.step = this.next[this.step];
  }

  float32(value: number): void {
    this.prefix(4);
    this.view.setFloat32(this.at, value, true);
    this.at += 4;
    this.step = this.next[this.step];
  }

  float64(value: number): void {
    this.prefix(8);
    this.view.setFloat64(this.at, value, true);
    this.at += 8;
    this.step = this.next[this.step];
  }

  decimalSmall(unscaled: number, scale: number): void {
    if (this.plan.scale[this.step] !== scale) {
      this.decimal(BigInt(unscaled), scale);
      return;
    }
    const { scratch } = this;
    this.bytes(scratch, smallTwosComplement(unscaled, scratch), 8);
  }

  decimal(unscaled: bigint, scale: number): void {
    const bytes = twosComplement(rescale(unscaled, scale, this.plan.scale[this.step]));
    this.bytes(bytes, 0, bytes.length);
  }

  utf8(bytes: Uint8Array, start: number, end: number): void {
    this.bytes(bytes, start, end);
  }

  bytes(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    this.prefix(LONG_BYTES_MAX + length);
    this.varint(length << 1);
    const { target } = this;
    let at = this.at;
    if (length > SET_BYTES_MIN) target.set(bytes.subarray(start, end), at);
    else for (let i = start; i < end; i++) target[at++] = bytes[i];
    this.at += length;
    this.step = this.next[this.step];
  }

  beginList(count: number): void {
    this.open();
    if (count > 0) this.varint(count << 1);
  }

  endList(): void {
    this.reserve(1);
    this.target[this.at++] = 0;
    this.step = this.plan.closed[this.step];
  }

  beginStruct(): void {
    this.open();
  }

  endStruct(): void {
    this.step = this.plan.closed[this.step];
  }

  beginMap(count: number): void {
    this.beginList(count);
  }

  endMap(): void {
    this.endList();
  }

  private open(): void {
    this.prefix(LONG_BYTES_MAX);
    this.step = this.plan.child[this.step];
  }

  /** Writes the union's branch, if there is one, and makes room for the value. */
  private prefix(room: number): void {
    this.reserve(room + 1);
    const branch = this.branch[this.step];
    if (branch >= 0) this.target[this.at++] = branch;
  }
}

const LONG_BYTES_MAX = 10;
/** Where copying natively is worth an object for the range. */
const SET_BYTES_MIN = 48;
