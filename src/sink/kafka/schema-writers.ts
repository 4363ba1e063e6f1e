import type { Converter, SchemaWriter } from '../../convert/converter.ts';
import type { ConnectSchema } from '../../record/connect-schema.ts';

/** A converter's writers, one per topic and schema object; those of schemas that nobody uses any more go with them. */
export class SchemaWriters {
  readonly converter: Converter;
  readonly #writers = new WeakMap<ConnectSchema, Map<string, SchemaWriter>>();

  constructor(converter: Converter) {
    this.converter = converter;
  }

  /** A promise only where a converter has to wait (for a registry), which it does once. */
  of(topic: string, schema: ConnectSchema): SchemaWriter | Promise<SchemaWriter> {
    const known = this.#writers.get(schema)?.get(topic);
    if (known !== undefined) return known;
    const made = this.converter.writer(topic, schema);
    return made instanceof Promise
      ? made.then((writer) => this.#keep(topic, schema, writer))
      : this.#keep(topic, schema, made);
  }

  #keep(topic: string, schema: ConnectSchema, writer: SchemaWriter): SchemaWriter {
    let byTopic = this.#writers.get(schema);
    if (byTopic === undefined) this.#writers.set(schema, (byTopic = new Map()));
    byTopic.set(topic, writer);
    return writer;
  }
}
