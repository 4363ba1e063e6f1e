import type { ConverterDefinition } from './converter.ts';

type Load = () => Promise<ConverterDefinition>;

/** Every converter and header converter by its Java class; the only place that names them. */
const CONVERTERS: Readonly<Record<string, Load>> = {
  'org.apache.kafka.connect.json.JsonConverter': async () => (await import('./json/index.ts')).jsonConverter,
  'org.apache.kafka.connect.storage.StringConverter': async () =>
    (await import('./string.ts')).stringConverter,
  'org.apache.kafka.connect.storage.SimpleHeaderConverter': async () =>
    (await import('./simple-header.ts')).simpleHeaderConverter,
  'org.apache.kafka.connect.converters.ByteArrayConverter': async () =>
    (await import('./byte-array.ts')).byteArrayConverter,
  'org.apache.kafka.connect.converters.ShortConverter': async () =>
    (await import('./numbers.ts')).shortConverter,
  'org.apache.kafka.connect.converters.IntegerConverter': async () =>
    (await import('./numbers.ts')).integerConverter,
  'org.apache.kafka.connect.converters.LongConverter': async () =>
    (await import('./numbers.ts')).longConverter,
  'org.apache.kafka.connect.converters.FloatConverter': async () =>
    (await import('./numbers.ts')).floatConverter,
  'org.apache.kafka.connect.converters.DoubleConverter': async () =>
    (await import('./numbers.ts')).doubleConverter,
  'org.apache.kafka.connect.converters.BooleanConverter': async () =>
    (await import('./numbers.ts')).booleanConverter,
  'io.confluent.connect.avro.AvroConverter': async () =>
    (await import('./avro/confluent.ts')).confluentAvroConverter,
  'io.apicurio.registry.utils.converter.AvroConverter': async () =>
    (await import('./avro/apicurio.ts')).apicurioAvroConverter,
  'io.debezium.converters.CloudEventsConverter': async () =>
    (await import('./cloud-events/index.ts')).cloudEventsConverter,
  'io.apicurio.registry.utils.converter.ExtJsonConverter': async () =>
    (await import('./json/ext-json.ts')).extJsonConverter,
  'io.confluent.connect.protobuf.ProtobufConverter': async () =>
    (await import('./protobuf/confluent.ts')).confluentProtobufConverter,
  'io.confluent.connect.json.JsonSchemaConverter': async () =>
    (await import('./json-schema/confluent.ts')).confluentJsonSchemaConverter,
  'io.debezium.converters.BinaryDataConverter': binaryData,
  'io.debezium.converters.ByteArrayConverter': binaryData,
  'io.debezium.converters.ByteBufferConverter': binaryData,
};

export const CONVERTER_CLASSES: readonly string[] = Object.keys(CONVERTERS);

/** Kafka's and Debezium's converters are made for headers, too; those of registries and of whole records are not. */
const HEADERS = /^org\.apache\.kafka\.|^io\.debezium\.converters\.Byte|^io\.debezium\.converters\.BinaryData/;
const HEADERS_ONLY = 'org.apache.kafka.connect.storage.SimpleHeaderConverter';

/** What may be named for keys and values, and for headers, sorted as Connect lists plugins. */
export const VALUE_CONVERTER_CLASSES: readonly string[] = CONVERTER_CLASSES.filter(
  (name) => name !== HEADERS_ONLY,
).toSorted();
export const HEADER_CONVERTER_CLASSES: readonly string[] = CONVERTER_CLASSES.filter((name) =>
  HEADERS.test(name),
).toSorted();

/** The full name of a class given as `JsonConverter` or `Json`, as Connect's plugin aliases are; null for what nobody bears. */
export function converterClass(name: string): string | null {
  if (Object.hasOwn(CONVERTERS, name)) return name;
  const known = CONVERTER_CLASSES.filter((full) => {
    const short = full.slice(full.lastIndexOf('.') + 1);
    return name === short || name === short.replace(/Converter$/, '');
  });
  // Two classes of one short name: Connect knows neither by it.
  return known.length === 1 ? known[0] : null;
}

export async function loadConverter(name: string): Promise<ConverterDefinition | null> {
  const known = converterClass(name);
  return known === null ? null : await CONVERTERS[known]();
}

async function binaryData(): Promise<ConverterDefinition> {
  return (await import('./binary-data.ts')).binaryDataConverter(loadConverter);
}
