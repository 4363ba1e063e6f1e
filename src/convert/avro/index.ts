import type { ConnectSchema } from '../../record/connect-schema.ts';
import type { EncodedSchema } from '../schema-registry/converter.ts';
import { avroBytes } from './bytes.ts';
import { planAvro } from './plan.ts';
import { avroSchemaText, recordName } from './schema.ts';
import { AvroWriter } from './writer.ts';

/** Avro behind a registry's id. `withMetadata`: whether `connect.*` properties are written. */
export function encodeAvro(schema: ConnectSchema, withMetadata: boolean): EncodedSchema {
  return {
    text: avroSchemaText(schema, withMetadata),
    recordName: recordName(schema),
    writer: (frame) => new AvroWriter(planAvro(schema), frame),
    bytes: (value) => (value === null ? null : avroBytes(schema, value)),
  };
}
