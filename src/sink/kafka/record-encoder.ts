import { ByteBuffer } from '../../base/byte-buffer.ts';
import type { SchemaWriter } from '../../convert/converter.ts';
import type { ConnectHeader, ConnectRecord } from '../../record/connect-record.ts';
import type { ConnectSchema, ConnectValue } from '../../record/connect-schema.ts';
import { writeValue } from '../../record/connect-value.ts';
import { PRODUCES } from './errors.ts';
import { type Stage, StageFailure } from './errors-stage.ts';
import { encodeHeaders } from './headers.ts';
import type { PartWriters } from './record-writer.ts';
import type { SchemaWriters } from './schema-writers.ts';
import type { EventConverters, RecordTarget } from './table-events.ts';

/** Whole records through the converters. */
export class RecordEncoder {
  readonly #converters: EventConverters;
  readonly #keys: ValueEncoder;
  readonly #values: ValueEncoder;
  readonly #target: RecordTarget;
  #last: {
    readonly topic: string;
    readonly headers: readonly ConnectHeader[];
    readonly encoded: Uint8Array;
  } = {
    topic: '',
    headers: [],
    encoded: new Uint8Array(),
  };

  constructor(converters: EventConverters, writers: PartWriters, target: RecordTarget) {
    this.#converters = converters;
    this.#keys = new ValueEncoder(writers.key);
    this.#values = new ValueEncoder(writers.value);
    this.#target = target;
  }

  /**
   * The topic must be prepared. Null: it is sent; a promise only where a converter has to wait. The stages are in Connect's
   * order.
   *
   * @throws StageFailure, at once or from the promise
   */
  send(record: ConnectRecord): Promise<void> | null {
    const { topic } = record;
    let stage: Stage = 'HEADER_CONVERTER';
    try {
      const headers = this.#headersOf(record);
      if (headers instanceof Promise) return this.#sendLater(record, headers);
      stage = 'KEY_CONVERTER';
      const key = this.#keys.encode(topic, record.keySchema, record.key, record.headers);
      if (key instanceof Promise) return this.#sendLater(record, headers, key);
      stage = 'VALUE_CONVERTER';
      const value = this.#values.encode(topic, record.valueSchema, record.value, record.headers);
      if (value instanceof Promise) return this.#sendLater(record, headers, key, value);
      stage = 'KAFKA_PRODUCE';
      this.#target.send(topic, key, value, headers, record.partition);
      return null;
    } catch (error) {
      throw new StageFailure(stage, this.#classOf(stage), error);
    }
  }

  /** What is not given has not been asked for yet. */
  async #sendLater(record: ConnectRecord, headers: Waiting, key?: Waiting, value?: Waiting): Promise<void> {
    const { topic } = record;
    let stage: Stage = 'HEADER_CONVERTER';
    try {
      const ownHeaders = (await headers)!;
      stage = 'KEY_CONVERTER';
      if (key === undefined) key = this.#keys.encode(topic, record.keySchema, record.key, record.headers);
      const ownKey = await key;
      stage = 'VALUE_CONVERTER';
      if (value === undefined)
        value = this.#values.encode(topic, record.valueSchema, record.value, record.headers);
      const ownValue = await value;
      stage = 'KAFKA_PRODUCE';
      this.#target.send(topic, ownKey, ownValue, ownHeaders, record.partition);
    } catch (error) {
      throw new StageFailure(stage, this.#classOf(stage), error);
    }
  }

  #classOf(stage: Stage): string {
    const { key, value, header } = this.#converters.classes;
    if (stage === 'HEADER_CONVERTER') return header;
    if (stage === 'KEY_CONVERTER') return key;
    return stage === 'VALUE_CONVERTER' ? value : PRODUCES;
  }

  /** Most records have the headers of the one before, in a list of their own. */
  #headersOf({ topic, headers }: ConnectRecord): Uint8Array | Promise<Uint8Array> {
    const last = this.#last;
    if (last.topic === topic && areSame(last.headers, headers)) return last.encoded;
    const values = headers.map(({ schema, value }) => this.#converters.header.convert(topic, schema, value));
    const keep = (converted: readonly (Uint8Array | null)[]): Uint8Array => {
      const encoded = encodeHeaders(headers.map(({ name }, i) => ({ name, value: converted[i] })));
      this.#last = { topic, headers, encoded };
      return encoded;
    };
    return values.some((value) => value instanceof Promise)
      ? Promise.all(values).then(keep)
      : keep(values as readonly (Uint8Array | null)[]);
  }
}

/** Bytes that may have to be waited for. */
type Waiting = Uint8Array | null | Promise<Uint8Array | null>;

function areSame(some: readonly ConnectHeader[], others: readonly ConnectHeader[]): boolean {
  return some.length === others.length && some.every((header, i) => header === others[i]);
}

/** Keys, or values, through one converter. */
class ValueEncoder {
  readonly #writers: SchemaWriters;
  readonly #out = new ByteBuffer(1024);

  constructor(writers: SchemaWriters) {
    this.#writers = writers;
  }

  /** Valid until the next call. */
  encode(
    topic: string,
    schema: ConnectSchema | null,
    value: ConnectValue,
    headers: readonly ConnectHeader[],
  ): Waiting {
    const { converter } = this.#writers;
    if (value === null) return converter.nothing(topic, schema);
    if (schema === null || converter.wholeRecords) return converter.convert(topic, schema, value, headers);
    const writer = this.#writers.of(topic, schema);
    return writer instanceof Promise
      ? writer.then((made) => this.#write(schema, value, made))
      : this.#write(schema, value, writer);
  }

  #write(schema: ConnectSchema, value: ConnectValue, writer: SchemaWriter): Uint8Array {
    this.#out.clear();
    writer.begin(this.#out);
    writeValue(schema, value, writer);
    writer.end();
    return this.#out.view();
  }
}
