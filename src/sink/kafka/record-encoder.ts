import { ByteBuffer } from '../../base/byte-buffer.ts';
import type { Converter, SchemaWriter } from '../../convert/converter.ts';
import type { ConnectHeader, ConnectRecord } from '../../record/connect-record.ts';
import type { ConnectSchema, ConnectValue } from '../../record/connect-schema.ts';
import { writeValue } from '../../record/connect-value.ts';
import { PRODUCES } from './errors.ts';
import { type Stage, StageFailure } from './errors-stage.ts';
import { encodeHeaders, type Header } from './headers.ts';
import type { EventConverters, RecordTarget } from './table-events.ts';

/** Whole records through the converters. Writers are made once per topic and schema object. */
export class RecordEncoder {
  readonly #converters: EventConverters;
  readonly #keys: ValueEncoder;
  readonly #values: ValueEncoder;
  readonly #target: RecordTarget;
  readonly #headers = new WeakMap<readonly ConnectHeader[], Buffer>();

  constructor(converters: EventConverters, target: RecordTarget) {
    this.#converters = converters;
    this.#keys = new ValueEncoder(converters.key);
    this.#values = new ValueEncoder(converters.value);
    this.#target = target;
  }

  /** The topic must be prepared. The stages are in Connect's order. @throws StageFailure */
  async send(record: ConnectRecord): Promise<void> {
    const { topic } = record;
    let stage: Stage = 'HEADER_CONVERTER';
    try {
      const headers = await this.#headersOf(record);
      stage = 'KEY_CONVERTER';
      const key = await this.#keys.encode(topic, record.keySchema, record.key, record.headers);
      stage = 'VALUE_CONVERTER';
      const value = await this.#values.encode(topic, record.valueSchema, record.value, record.headers);
      stage = 'KAFKA_PRODUCE';
      this.#target.send(topic, key, value, headers, record.partition);
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

  async #headersOf({ topic, headers }: ConnectRecord): Promise<Buffer> {
    let encoded = this.#headers.get(headers);
    if (encoded !== undefined) return encoded;
    const converted: Header[] = [];
    for (const { name, schema, value } of headers)
      converted.push({ name, value: await this.#converters.header.convert(topic, schema, value) });
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
  async encode(
    topic: string,
    schema: ConnectSchema | null,
    value: ConnectValue,
    headers: readonly ConnectHeader[],
  ): Promise<Uint8Array | null> {
    if (value === null) return this.#converter.nothing(topic, schema);
    if (schema === null || this.#converter.wholeRecords)
      return this.#converter.convert(topic, schema, value, headers);
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
