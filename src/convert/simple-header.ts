import type { ConverterDefinition } from './converter.ts';
import { headerText } from './value-text.ts';
import { wholeValueConverter } from './whole-value.ts';

/** org.apache.kafka.connect.storage.SimpleHeaderConverter */
export const simpleHeaderConverter: ConverterDefinition = {
  create: () =>
    wholeValueConverter((schema, value) => (value === null ? null : Buffer.from(headerText(schema, value)))),
};
