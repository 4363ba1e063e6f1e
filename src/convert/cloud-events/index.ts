import { IcestreamError } from '../../base/errors.ts';
import type { ConnectHeader } from '../../record/connect-record.ts';
import type { ConnectSchema, ConnectValue } from '../../record/connect-schema.ts';
import { apicurioAvroConverter } from '../avro/apicurio.ts';
import { confluentAvroConverter } from '../avro/confluent.ts';
import type { Converter, ConverterDefinition } from '../converter.ts';
import { jsonConverter } from '../json/index.ts';
import { adjustedName } from '../schema-name.ts';
import { envelopeName } from './attributes.ts';
import { type CloudEventsConfig, cloudEventsConfig } from './config.ts';
import { fieldOf, type Metadata, metadataOf } from './metadata.ts';
import { CloudEventsPlan, type Parts, type PlanKey } from './plan.ts';

/** io.debezium.converters.CloudEventsConverter: change events in CloudEvents' structured mode. */
export const cloudEventsConverter: ConverterDefinition = {
  create(properties, isKey) {
    const config = cloudEventsConfig(properties);
    return new CloudEventsConverter(config, partsOf(config, isKey));
  },
};

/** Plans of a value's schema: as many as it has topics; names that headers give may differ with every record. */
const PLANS_MAX = 64;

class CloudEventsConverter implements Converter {
  readonly wholeRecords = true;
  readonly #config: CloudEventsConfig;
  readonly #parts: Parts;
  readonly #plans = new WeakMap<ConnectSchema, CloudEventsPlan[]>();

  constructor(config: CloudEventsConfig, parts: Parts) {
    this.#config = config;
    this.#parts = parts;
  }

  writer(topic: string): never {
    const message = 'CloudEventsConverter needs whole records: it cannot stand behind another converter';
    throw new IcestreamError('convert.schema', message, { context: { topic } });
  }

  nothing(): null {
    return null;
  }

  /** Null for all that is no change event, as Debezium has it. A promise only where a schema is new. */
  convert(
    topic: string,
    schema: ConnectSchema | null,
    value: ConnectValue,
    headers: readonly ConnectHeader[] = [],
  ): Uint8Array | null | Promise<Uint8Array> {
    if (schema === null || value === null) return null;
    const metadata = metadataOf(this.#config.metadata, schema, value, headers);
    if (metadata === null) return null;
    const key = this.#keyOf(topic, schema, metadata);
    const values = value as readonly ConnectValue[];
    const known = this.#plans.get(schema)?.find((plan) => isSame(plan.key, key));
    if (known !== undefined) return known.write(metadata, values);
    return this.#newPlan(key, metadata).then((plan) => plan.write(metadata, values));
  }

  #keyOf(topic: string, value: ConnectSchema, { source, dataSchemaName }: Metadata): PlanKey {
    return {
      topic,
      value,
      source: source.schema,
      dataName: dataSchemaName ?? `io.debezium.connector.${fieldOf(source, 'connector')}.Data`,
      envelopeName: adjustedName(this.#config.schemaName ?? envelopeName(source), this.#config.adjustment),
    };
  }

  async #newPlan(key: PlanKey, metadata: Metadata): Promise<CloudEventsPlan> {
    const plan = await CloudEventsPlan.make(key, metadata, this.#config, this.#parts);
    const others = this.#plans.get(key.value) ?? [];
    this.#plans.set(key.value, [plan, ...others.slice(0, PLANS_MAX - 1)]);
    return plan;
  }
}

function isSame(a: PlanKey, b: PlanKey): boolean {
  return (
    a.topic === b.topic &&
    a.source === b.source &&
    a.dataName === b.dataName &&
    a.envelopeName === b.envelopeName
  );
}

function partsOf(config: CloudEventsConfig, isKey: boolean): Parts {
  const json = (properties: Readonly<Record<string, string>>) => jsonConverter.create(properties, isKey);
  const plain = { ...config.json, 'schemas.enable': 'false' };
  if (config.data === 'json') return { envelope: json(plain), data: json(config.json), registryUrl: null };
  const { avro, url } = avroOf(config.avro);
  // The url stands in every event: nobody's password does.
  const registryUrl = url.replace(/\/\/[^/@,]*@/g, '//');
  return { envelope: config.envelope === 'avro' ? avro : json(plain), data: avro, registryUrl };
}

function avroOf(config: Readonly<Record<string, string>>): {
  readonly avro: Converter;
  readonly url: string;
} {
  const apicurio = config['apicurio.registry.url'];
  if (apicurio !== undefined) return { avro: apicurioAvroConverter.create(config, false), url: apicurio };
  const confluent = config['schema.registry.url'];
  if (confluent !== undefined) return { avro: confluentAvroConverter.create(config, false), url: confluent };
  throw new IcestreamError(
    'config.invalid',
    'Need URL(s) for schema registry instances for CloudEvents when using Apache Avro',
    { context: { property: 'avro.schema.registry.url' } },
  );
}
