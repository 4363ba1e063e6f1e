import { IcestreamError } from '../../base/errors.ts';
import type { ConnectSchema, ConnectValue } from '../../record/connect-schema.ts';
import type { Converter, SchemaWriter } from '../converter.ts';
import { avroBytes } from './bytes.ts';
import { planAvro } from './plan.ts';
import type { SchemaRegistry } from './registry.ts';
import { avroSchemaText, recordName } from './schema.ts';
import { AvroWriter } from './writer.ts';

export interface AvroOptions {
  readonly registry: SchemaRegistry;
  /** What a schema is registered under. */
  subject(topic: string, recordName: string | null): string;
  /** What stands before each value, from the schema's id. */
  frame(id: number): Uint8Array;
  /** `connect.meta.data`: whether `connect.*` properties are written. */
  readonly withMetadata: boolean;
}

/** Avro behind the id that a registry gives a schema: what Confluent's and Apicurio's converters have in common. */
export class AvroConverter implements Converter {
  readonly #options: AvroOptions;
  /** What stands before values of a schema, by topic; schemas that nobody uses any more go with it. */
  readonly #frames = new WeakMap<ConnectSchema, Map<string, Promise<Uint8Array>>>();

  constructor(options: AvroOptions) {
    this.#options = options;
  }

  async writer(topic: string, schema: ConnectSchema): Promise<SchemaWriter> {
    const plan = planAvro(schema);
    return new AvroWriter(plan, await this.#frame(topic, schema));
  }

  nothing(): null {
    return null;
  }

  async convert(
    topic: string,
    schema: ConnectSchema | null,
    value: ConnectValue,
  ): Promise<Uint8Array | null> {
    if (value === null) return null;
    if (schema === null) {
      throw new IcestreamError('convert.schema', 'Avro needs a schema, the value has none', {
        context: { topic },
      });
    }
    const bytes = avroBytes(schema, value);
    return Buffer.concat([await this.#frame(topic, schema), bytes]);
  }

  #frame(topic: string, schema: ConnectSchema): Promise<Uint8Array> {
    const byTopic = this.#frames.get(schema) ?? new Map<string, Promise<Uint8Array>>();
    this.#frames.set(schema, byTopic);
    const known = byTopic.get(topic);
    if (known !== undefined) return known;
    const frame = this.#register(topic, schema);
    byTopic.set(topic, frame);
    // What failed is asked again.
    frame.catch(() => byTopic.delete(topic));
    return frame;
  }

  async #register(topic: string, schema: ConnectSchema): Promise<Uint8Array> {
    const { registry, subject, frame, withMetadata } = this.#options;
    const text = avroSchemaText(schema, withMetadata);
    return frame(await registry.id(subject(topic, recordName(schema)), text));
  }
}

/** Zero and the id in four bytes, big end first. */
export function confluentFrame(id: number): Uint8Array {
  const frame = Buffer.alloc(5);
  frame.writeInt32BE(id, 1);
  return frame;
}
