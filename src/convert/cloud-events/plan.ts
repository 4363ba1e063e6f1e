import { ByteBuffer } from '../../base/byte-buffer.ts';
import type { ConnectField, ConnectSchema, ConnectValue } from '../../record/connect-schema.ts';
import { writeValue } from '../../record/connect-value.ts';
import type { Converter, SchemaWriter } from '../converter.ts';
import { attributeFields, attributeValues } from './attributes.ts';
import type { CloudEventsConfig } from './config.ts';
import { connectorOf } from './connectors.ts';
import { indexOf, type Metadata, orDefault } from './metadata.ts';

/** The converters beneath: of the event as a whole and of its data. */
export interface Parts {
  readonly envelope: Converter;
  readonly data: Converter;
  /** `apicurio.registry.url` or `schema.registry.url`; null without Avro. */
  readonly registryUrl: string | null;
}

/** What the events of one schema have in common. */
export interface PlanKey {
  readonly topic: string;
  readonly value: ConnectSchema;
  readonly source: ConnectSchema;
  readonly dataName: string;
  readonly envelopeName: string;
}

/** Writes the CloudEvents of one schema. */
export class CloudEventsPlan {
  readonly key: PlanKey;
  readonly #config: CloudEventsConfig;
  readonly #registryUrl: string | null;
  /** Places of the data's fields in the value. */
  readonly #places: readonly number[];
  readonly #dataSchema: ConnectSchema;
  readonly #envelopeSchema: ConnectSchema;
  #dataWriter!: SchemaWriter;
  #envelopeWriter!: SchemaWriter;
  readonly #data = new ByteBuffer();
  readonly #out = new ByteBuffer();

  private constructor(key: PlanKey, metadata: Metadata, config: CloudEventsConfig, parts: Parts) {
    this.key = key;
    this.#config = config;
    this.#registryUrl = parts.registryUrl;
    const fields = key.value.fields!;
    this.#places = config.metadata.global
      ? [...fields.keys()]
      : connectorOf(metadata.source).data.map((name) => indexOf(key.value, name));
    this.#dataSchema = struct(
      key.dataName,
      this.#places.map((i) => fields[i]),
    );
    const attributes = attributeFields(config, key.source);
    const data = { name: 'data', schema: BYTES };
    this.#envelopeSchema = struct(
      key.envelopeName,
      config.data === 'json' ? attributes : [...attributes, data],
    );
  }

  static async make(
    key: PlanKey,
    metadata: Metadata,
    config: CloudEventsConfig,
    parts: Parts,
  ): Promise<CloudEventsPlan> {
    const plan = new CloudEventsPlan(key, metadata, config, parts);
    const { topic } = key;
    // Two schemas of one topic need two subjects.
    const dataTopic = config.envelope === 'avro' ? `${topic}-data` : topic;
    plan.#dataWriter = await parts.data.writer(dataTopic, plan.#dataSchema);
    plan.#envelopeWriter = await parts.envelope.writer(topic, plan.#envelopeSchema);
    return plan;
  }

  write(metadata: Metadata, value: readonly ConnectValue[]): Uint8Array {
    const data = this.#dataOf(value);
    if (this.#config.data === 'json') return this.#withJsonData(metadata, data);
    // Behind a zero byte the schema's id in four bytes.
    const uri = `${this.#registryUrl}/schemas/ids/${data.readInt32BE(1)}`;
    const values = [...attributeValues(this.#config, metadata, uri), data];
    return Buffer.from(written(this.#envelopeSchema, values, this.#envelopeWriter, this.#out));
  }

  #dataOf(value: readonly ConnectValue[]): Buffer {
    const { fields = [] } = this.#dataSchema;
    const values = this.#places.map((place, i) => orDefault(fields[i].schema, value[place]));
    return written(this.#dataSchema, values, this.#dataWriter, this.#data);
  }

  /** JSON within JSON, which has a schema of its own where that is asked for. */
  #withJsonData(metadata: Metadata, data: Buffer): Uint8Array {
    const values = attributeValues(this.#config, metadata, null);
    const attributes = written(this.#envelopeSchema, values, this.#envelopeWriter, this.#out);
    return Buffer.concat([attributes.subarray(0, -1), DATA, data, END]);
  }
}

const BYTES: ConnectSchema = { type: 'bytes', optional: false };
const DATA = Buffer.from(',"data":');
const END = Buffer.from('}');

function struct(name: string, fields: readonly ConnectField[]): ConnectSchema {
  return { type: 'struct', optional: false, name, fields };
}

/** Valid until `out` is written again. */
function written(
  schema: ConnectSchema,
  value: readonly ConnectValue[],
  writer: SchemaWriter,
  out: ByteBuffer,
): Buffer {
  out.clear();
  writer.begin(out);
  writeValue(schema, value, writer);
  writer.end();
  return out.view();
}
