import { boolean } from '../../base/config.ts';
import { readConfig } from '../config.ts';
import type { ConverterDefinition } from '../converter.ts';
import { confluentConverter } from '../schema-registry/confluent.ts';
import { encodeAvro } from './index.ts';
import { hasSameEncoding } from './same-encoding.ts';

const CONFIG = { 'connect.meta.data': boolean(true) };

/** io.confluent.connect.avro.AvroConverter */
export const confluentAvroConverter: ConverterDefinition = {
  create(config, isKey) {
    const withMetadata = readConfig(CONFIG, config)['connect.meta.data'];
    return confluentConverter(
      { type: 'AVRO', encode: (schema) => encodeAvro(schema, withMetadata), isReadable: hasSameEncoding },
      config,
      isKey,
    );
  },
};
