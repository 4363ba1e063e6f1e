import type { ByteBuffer } from '../base/byte-buffer.ts';
import { invariant } from '../base/errors.ts';
import type { ConnectSchema, ConnectValue } from '../record/connect-schema.ts';
import type { SchemaWriter } from './converter.ts';
import { PhysicalWriter } from './physical-writer.ts';

/**
 * A writer for converters that need the whole value before they know a byte of it: it collects the calls into a ConnectValue.
 */
export class CollectingWriter extends PhysicalWriter implements SchemaWriter {
  readonly #convert: (value: ConnectValue) => Uint8Array | null;
  readonly #schema: ConnectSchema;
  /** The lists, maps and structs that are open, each with its schema and the values so far; keys and values of a map in turn. */
  readonly #open: { readonly schema: ConnectSchema; readonly values: ConnectValue[] }[] = [];
  #value: ConnectValue = null;
  #out: ByteBuffer | null = null;

  constructor(schema: ConnectSchema, convert: (value: ConnectValue) => Uint8Array | null) {
    super();
    this.#schema = schema;
    this.#convert = convert;
  }

  begin(out: ByteBuffer): void {
    this.#out = out;
    this.#open.length = 0;
    this.#value = null;
  }

  end(): void {
    invariant(this.#open.length === 0, 'a value is written to its end');
    const bytes = this.#convert(this.#value);
    if (bytes !== null) this.#out?.append(bytes);
  }

  null(): void {
    this.#add(null);
  }

  bool(value: boolean): void {
    this.#add(value);
  }

  int32(value: number): void {
    this.#add(this.#expected().type === 'int64' ? BigInt(value) : value);
  }

  int64(hi: number, lo: number): void {
    this.#add((BigInt(hi) << 32n) | BigInt(lo));
  }

  float32(value: number): void {
    this.#add(value);
  }

  float64(value: number): void {
    this.#add(value);
  }

  decimalSmall(unscaled: number, scale: number): void {
    this.#add({ unscaled: BigInt(unscaled), scale });
  }

  decimal(unscaled: bigint, scale: number): void {
    this.#add({ unscaled, scale });
  }

  utf8(bytes: Uint8Array, start: number, end: number): void {
    this.#add(Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8'));
  }

  bytes(bytes: Uint8Array, start: number, end: number): void {
    this.#add(bytes.slice(start, end));
  }

  beginList(): void {
    this.#begin();
  }

  endList(): void {
    this.#end((values) => values);
  }

  beginStruct(): void {
    this.#begin();
  }

  endStruct(): void {
    this.#end((values) => values);
  }

  beginMap(): void {
    this.#begin();
  }

  endMap(): void {
    this.#end((values) => {
      const entries = new Map<ConnectValue, ConnectValue>();
      for (let i = 0; i < values.length; i += 2) entries.set(values[i], values[i + 1]);
      return entries;
    });
  }

  #begin(): void {
    this.#open.push({ schema: this.#expected(), values: [] });
  }

  #end(finish: (values: ConnectValue[]) => ConnectValue): void {
    const last = this.#open.pop();
    invariant(last !== undefined, 'what ends has begun');
    this.#add(finish(last.values));
  }

  #add(value: ConnectValue): void {
    const last = this.#open.at(-1);
    if (last === undefined) this.#value = value;
    else last.values.push(value);
  }

  #expected(): ConnectSchema {
    const last = this.#open.at(-1);
    if (last === undefined) return this.#schema;
    const { schema, values } = last;
    if (schema.type === 'struct') return schema.fields![values.length].schema;
    return schema.type === 'map' && values.length % 2 === 0 ? schema.keys! : schema.values!;
  }
}
