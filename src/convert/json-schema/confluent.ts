import { boolean, oneOf } from '../../base/config.ts';
import { readConfig } from '../config.ts';
import type { ConverterDefinition } from '../converter.ts';
import { confluentConverter } from '../schema-registry/confluent.ts';
import { encodeJsonSchema } from './index.ts';
import type { JsonSchemaStyle } from './schema.ts';

/** Those of JsonSchemaDataConfig that have a say in what is written; the others are about reading. */
const CONFIG = {
  'decimal.format': oneOf(['BASE64', 'NUMERIC'], 'BASE64'),
  'object.additional.properties': boolean(true),
  'ignore.default.for.nullables': boolean(false),
};

/** io.confluent.connect.json.JsonSchemaConverter */
export const confluentJsonSchemaConverter: ConverterDefinition = {
  create(config, isKey) {
    const values = readConfig(CONFIG, config);
    const style: JsonSchemaStyle = {
      json: {
        numericDecimals: values['decimal.format'] === 'NUMERIC',
        nullsBecomeDefaults: !values['ignore.default.for.nullables'],
        mapEntries: 'objects',
      },
      additionalProperties: values['object.additional.properties'],
    };
    return confluentConverter(
      {
        type: 'JSON',
        encode: (schema) => encodeJsonSchema(schema, style),
        // JSON names its fields itself.
        isReadable: () => true,
      },
      config,
      isKey,
    );
  },
};
