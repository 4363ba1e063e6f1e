import { ByteBuffer } from '../../base/byte-buffer.ts';
import type { Converter, SchemaWriter } from '../../convert/converter.ts';
import type { ConnectHeader, ConnectRecord } from '../../record/connect-record.ts';
import type { ConnectSchema, ConnectValue } from '../../record/connect-schema.ts';
import { writeValue } from '../../record/connect-value.ts';
import { encodeHeaders, type Header } from './headers.ts';
import type { EventConverters, RecordTarget } from './table-events.ts';

/** Whole records through the converters. Writers are made once per topic and schema object. */
export class RecordEncoder {
  readonly #keys: ValueEncoder;
  readonly #values: ValueEncoder;
  readonly #header: Converter;
  readonly #target: RecordTarget;
  readonly #headers = new WeakMap<readonly ConnectHeader[], Buffer>();

  constructor(converters: EventConverters, target: RecordTarget) {
    this.#keys = new ValueEncoder(converters.key);
    this.#values = new ValueEncoder(converters.value);
    this.#header = converters.header;
    this.#target = target;
  }

  /** The topic must be prepared. */
  async send(record: ConnectRecord): Promise<void> {
    const { topic } = record;
    const key = await this.#keys.encode(topic, record.keySchema, record.key);
    const value = await this.#values.encode(topic, record.valueSchema, record.value);
    this.#target.send(topic, key, value, await this.#headersOf(record), record.partition);
  }

  async #headersOf({ topic, headers }: ConnectRecord): Promise<Buffer> {
    let encoded = this.#headers.get(headers);
    if (encoded !== undefined) return encoded;
    const converted: Header[] = [];
    for (const { name, schema, value } of headers)
      converted.push({ name, value: await this.#header.convert(topic, schema, value) });
    encoded = encodeHeaders(converted);
    this.#headers.set(headers, encoded);
    return encoded;
  }
}

/** Keys, or values, through one converter. */
class ValueEncoder {
  readonly #converter: Converter;
  readonly #writers = new WeakMap<ConnectSchema, Map<string, SchemaWriter>>();
  readonly #out = new ByteBuffer(1024);

  constructor(converter: Converter) {
    this.#converter = converter;
  }

  /** Valid until the next call. */
  async encode(topic: string, schema: ConnectSchema | null, value: ConnectValue): Promise<Uint8Array | null> {
    if (value === null) return this.#converter.nothing(topic, schema);
    if (schema === null) return this.#converter.convert(topic, schema, value);
    const writer = await this.#writerOf(topic, schema);
    this.#out.clear();
    writer.begin(this.#out);
    writeValue(schema, value, writer);
    writer.end();
    return this.#out.view();
  }

  async #writerOf(topic: string, schema: ConnectSchema): Promise<SchemaWriter> {
    let byTopic = this.#writers.get(schema);
    if (byTopic === undefined) this.#writers.set(schema, (byTopic = new Map()));
    let writer = byTopic.get(topic);
    if (writer === undefined) byTopic.set(topic, (writer = await this.#converter.writer(topic, schema)));
    return writer;
  }
}
