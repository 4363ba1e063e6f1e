import { IcestreamError } from '../base/errors.ts';
import type { ConverterDefinition } from './converter.ts';
import { wholeValueConverter } from './whole-value.ts';

/** org.apache.kafka.connect.converters.ByteArrayConverter */
export const byteArrayConverter: ConverterDefinition = {
  create: () =>
    wholeValueConverter((schema, value) => {
      if (schema !== null && schema.type !== 'bytes') {
        const message = `Invalid schema type for ByteArrayConverter: ${schema.type.toUpperCase()}`;
        throw new IcestreamError('convert.schema', message);
      }
      if (value === null || value instanceof Uint8Array) return value;
      throw new IcestreamError('convert.value', 'ByteArrayConverter is not compatible with the value');
    }),
};
