import type { ConnectSchema } from '../../record/connect-schema.ts';
import { planJson } from '../json/plan.ts';
import { jsonText, nullText } from '../json/text.ts';
import { JsonWriter } from '../json/writer.ts';
import type { EncodedSchema } from '../schema-registry/converter.ts';
import { type JsonSchemaStyle, jsonSchemaText } from './schema.ts';

/** JSON behind a registry's id, described by JSON Schema. */
export function encodeJsonSchema(schema: ConnectSchema, style: JsonSchemaStyle): EncodedSchema {
  return {
    text: jsonSchemaText(schema, style),
    // The title of what may be null is further inside.
    recordName: schema.optional ? null : (schema.name ?? null),
    writer: (frame) => new JsonWriter(planJson(schema, style.json), style.json, frame, NOTHING),
    bytes: (value) => {
      const text = value === null ? nullText(schema, style.json) : jsonText(schema, value, style.json);
      return text === null ? null : Buffer.from(text);
    },
  };
}

const NOTHING = new Uint8Array(0);
