import { IcestreamError } from '../../base/errors.ts';
import type { ConnectSchema, ConnectValue } from '../../record/connect-schema.ts';
import type { Converter, SchemaWriter } from '../converter.ts';

/** What a format makes of a Connect schema, worked out once: the schema to register and how values are written. */
export interface EncodedSchema {
  /** What is registered. */
  readonly text: string;
  /** The record's full name, for subjects that are named by it; null where the schema is no record. */
  readonly recordName: string | null;
  /** A writer whose values begin with `frame`. */
  writer(frame: Uint8Array): SchemaWriter;
  /** A value without its frame; null where it is none. */
  bytes(value: ConnectValue): Uint8Array | null;
}

/** @throws IcestreamError convert.schema: the format cannot say it */
export type EncodeSchema = (schema: ConnectSchema) => EncodedSchema;

/** The registry's side of one format. */
export interface SchemaRegistry {
  /** The id of a schema, which is registered where that is allowed. @throws IcestreamError convert.registry* */
  id(subject: string, encoded: EncodedSchema): Promise<number>;
}

export interface RegisteredOptions {
  readonly encode: EncodeSchema;
  readonly registry: SchemaRegistry;
  /** What a schema is registered under. */
  subject(topic: string, recordName: string | null): string;
  /** What stands before each value, from the schema's id. */
  frame(id: number): Uint8Array;
}

interface Known {
  readonly encoded: EncodedSchema;
  /** What stands before values, by topic. */
  readonly frames: Map<string, Promise<Uint8Array>>;
}

/** Values behind the id that a registry gives their schema: what Confluent's and Apicurio's converters have in common. */
export class RegisteredConverter implements Converter {
  readonly #options: RegisteredOptions;
  /** Schemas that nobody uses any more go with what was made of them. */
  readonly #known = new WeakMap<ConnectSchema, Known>();

  constructor(options: RegisteredOptions) {
    this.#options = options;
  }

  async writer(topic: string, schema: ConnectSchema): Promise<SchemaWriter> {
    const known = this.#encoded(schema);
    return known.encoded.writer(await this.#frame(topic, known));
  }

  /** Of a row that a transform left nothing of, too: a tombstone, which asks no registry. */
  nothing(): null {
    return null;
  }

  async convert(
    topic: string,
    schema: ConnectSchema | null,
    value: ConnectValue,
  ): Promise<Uint8Array | null> {
    if (schema === null) {
      if (value === null) return null;
      throw new IcestreamError('convert.schema', 'The converter needs a schema, the value has none', {
        context: { topic },
      });
    }
    const known = this.#encoded(schema);
    const bytes = known.encoded.bytes(value);
    return bytes === null ? null : Buffer.concat([await this.#frame(topic, known), bytes]);
  }

  #encoded(schema: ConnectSchema): Known {
    const known = this.#known.get(schema);
    if (known !== undefined) return known;
    const made = { encoded: this.#options.encode(schema), frames: new Map<string, Promise<Uint8Array>>() };
    this.#known.set(schema, made);
    return made;
  }

  #frame(topic: string, { encoded, frames }: Known): Promise<Uint8Array> {
    const known = frames.get(topic);
    if (known !== undefined) return known;
    const frame = this.#register(topic, encoded);
    frames.set(topic, frame);
    // What failed is asked again.
    frame.catch(() => frames.delete(topic));
    return frame;
  }

  async #register(topic: string, encoded: EncodedSchema): Promise<Uint8Array> {
    const { registry, subject, frame } = this.#options;
    return frame(await registry.id(subject(topic, encoded.recordName), encoded));
  }
}
