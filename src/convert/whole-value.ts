import type { ConnectSchema, ConnectValue } from '../record/connect-schema.ts';
import { CollectingWriter } from './collecting-writer.ts';
import type { Converter } from './converter.ts';

/** A converter made of one function from a value to its bytes: right for what is small or rare. */
export function wholeValueConverter(
  convert: (schema: ConnectSchema | null, value: ConnectValue) => Uint8Array | null,
): Converter {
  return {
    writer: (_topic, schema) => new CollectingWriter(schema, (value) => convert(schema, value)),
    nothing: (_topic, schema) => convert(schema, null),
    convert: (_topic, schema, value) => convert(schema, value),
  };
}
