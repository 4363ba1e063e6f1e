import type { ConverterDefinition } from '../converter.ts';
import { apicurioConverter } from '../schema-registry/apicurio.ts';
import { encodeAvro } from './index.ts';

/** io.apicurio.registry.utils.converter.AvroConverter, release 2 */
export const apicurioAvroConverter: ConverterDefinition = {
  create: (config, isKey) =>
    apicurioConverter({ type: 'AVRO', encode: (schema) => encodeAvro(schema, true) }, config, isKey),
};
