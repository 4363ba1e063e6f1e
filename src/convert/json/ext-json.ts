import type { ConnectSchema } from '../../record/connect-schema.ts';
import type { ConverterDefinition } from '../converter.ts';
import { apicurioConverter } from '../schema-registry/apicurio.ts';
import type { EncodedSchema } from '../schema-registry/converter.ts';
import { readStyle } from './index.ts';
import { planJson } from './plan.ts';
import { type JsonStyle, jsonText, schemaText } from './text.ts';
import { JsonWriter } from './writer.ts';

/**
 * io.apicurio.registry.utils.converter.ExtJsonConverter, release 2: JsonConverter's JSON in an object with the registry's
 * global id of JsonConverter's schema, which is an artifact of the type KCONNECT (PrettyFormatStrategy).
 */
export const extJsonConverter: ConverterDefinition = {
  create(config, isKey) {
    const style = readStyle(config);
    const framing = {
      idField: 'globalId' as const,
      frame: (id: number) => Buffer.from(`{"schemaId":${id},"payload":`),
    };
    return apicurioConverter(
      { type: 'KCONNECT', encode: (schema) => encodeExtJson(schema, style), framing },
      config,
      isKey,
    );
  },
};

/** The schema to register, and values as they go behind `{"schemaId":...,"payload":`. */
export function encodeExtJson(schema: ConnectSchema, style: JsonStyle): EncodedSchema {
  return {
    text: schemaText(schema, style),
    recordName: schema.name ?? null,
    writer: (frame) => new JsonWriter(planJson(schema, style), style, frame, Buffer.from('}')),
    bytes: (value) => (value === null ? null : Buffer.from(`${jsonText(schema, value, style)}}`)),
  };
}
