import { ByteBuffer } from '../../base/byte-buffer.ts';
import type { SchemaWriter } from '../../convert/converter.ts';
import type { ConnectSchema, ConnectValue } from '../../record/connect-schema.ts';
import { writeValue } from '../../record/connect-value.ts';
import { encodeHeaders } from './headers.ts';
import type { EventConverters, RecordTarget } from './table-events.ts';

const NO_HEADERS = encodeHeaders([]);

/** The records of a topic whose keys and values each have one schema, whatever the tables are: heartbeats, transactions. */
export class FixedRecords {
  readonly topic: string;
  readonly #key: Encoder;
  readonly #value: Encoder;

  private constructor(topic: string, key: Encoder, value: Encoder) {
    this.topic = topic;
    this.#key = key;
    this.#value = value;
  }

  static async open(
    topic: string,
    key: ConnectSchema,
    value: ConnectSchema,
    converters: EventConverters,
  ): Promise<FixedRecords> {
    return new FixedRecords(
      topic,
      new Encoder(key, await converters.key.writer(topic, key)),
      new Encoder(value, await converters.value.writer(topic, value)),
    );
  }

  send(key: ConnectValue, value: ConnectValue, target: RecordTarget): void {
    target.send(this.topic, this.#key.encode(key), this.#value.encode(value), NO_HEADERS);
  }
}

class Encoder {
  readonly #schema: ConnectSchema;
  readonly #writer: SchemaWriter;
  readonly #out = new ByteBuffer(256);

  constructor(schema: ConnectSchema, writer: SchemaWriter) {
    this.#schema = schema;
    this.#writer = writer;
  }

  /** Valid until the next call. */
  encode(value: ConnectValue): Uint8Array {
    this.#out.clear();
    this.#writer.begin(this.#out);
    writeValue(this.#schema, value, this.#writer);
    this.#writer.end();
    return this.#out.view();
  }
}
