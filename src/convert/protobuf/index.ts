import { ByteBuffer } from '../../base/byte-buffer.ts';
import type { ConnectSchema, ConnectValue } from '../../record/connect-schema.ts';
import { writeValue } from '../../record/connect-value.ts';
import type { EncodedSchema } from '../schema-registry/converter.ts';
import type { ProtobufPlan } from './plan.ts';
import { planMessage, planScalar } from './planner.ts';
import { isLogical, type ProtobufStyle, protoFile, refused, scalarOf, WRAPPERS } from './schema.ts';
import { protoText, WRAPPER_ORDER, WRAPPERS_TEXT } from './text.ts';
import { ProtobufWriter } from './writer.ts';

/**
 * Protobuf behind a registry's id and the place of the message in the registered file: of a struct the first and only one, of
 * a scalar its wrapper.
 *
 * @throws IcestreamError convert.schema
 */
export function encodeProtobuf(schema: ConnectSchema, style: ProtobufStyle): EncodedSchema {
  if (schema.type === 'struct') {
    const file = protoFile(schema, style);
    const recordName = file.package === null ? file.message.name : `${file.package}.${file.message.name}`;
    return encoded(
      schema,
      protoText(file),
      recordName,
      FIRST_MESSAGE,
      planMessage(schema, file.message, style),
    );
  }
  if (isLogical(schema) || schema.type === 'array' || schema.type === 'map') {
    throw refused(`Unsupported root schema of type ${schema.type}`, schema);
  }
  const name = WRAPPERS[scalarOf(schema)];
  const place = messagePlace(WRAPPER_ORDER.indexOf(name));
  return encoded(schema, WRAPPERS_TEXT, `google.protobuf.${name}`, place, planScalar(schema));
}

function encoded(
  schema: ConnectSchema,
  text: string,
  recordName: string,
  place: Uint8Array,
  plan: ProtobufPlan,
): EncodedSchema {
  return {
    text,
    recordName,
    writer: (frame) => new ProtobufWriter(plan, Buffer.concat([frame, place])),
    bytes: (value) => (value === null ? null : protobufBytes(schema, value, new ProtobufWriter(plan, place))),
  };
}

function protobufBytes(schema: ConnectSchema, value: ConnectValue, writer: ProtobufWriter): Uint8Array {
  const out = new ByteBuffer(256);
  writer.begin(out);
  writeValue(schema, value, writer);
  writer.end();
  return out.view();
}

/** A list with one index, both in zigzag; the first message is an empty list instead (MessageIndexes). */
function messagePlace(index: number): Uint8Array {
  return index === 0 ? FIRST_MESSAGE : Uint8Array.of(2, index * 2);
}

const FIRST_MESSAGE = Uint8Array.of(0);
