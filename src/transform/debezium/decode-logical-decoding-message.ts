import type { ConnectList, ConnectSchema, ConnectValue } from '../../record/connect-schema.ts';
import { boolean, readOptions, text } from '../options.ts';
import { failed, fieldIndex, orDefault, requireStruct, structLike } from '../schema.ts';
import type { TransformDefinition } from '../transform.ts';
import { inferSchema, jsonValue, SchemaPool } from './json-schema.ts';
import { type JsonTree, parseJsonTree } from './json-tree.ts';

const OPTIONS = { 'fields.null.include': boolean(false) };
const HIDDEN = { ...OPTIONS, 'field.name.adjustment.mode': text('none', { importance: 'LOW' }) };
const MESSAGE = 'io.debezium.connector.postgresql.MessageValue';

/**
 * io.debezium.connector.postgresql.transforms.DecodeLogicalDecodingMessageContent: a message of pg_logical_emit_message that
 * holds a JSON object, as the insert of a row, so that EventRouter can take it.
 */
export const decodeLogicalDecodingMessage: TransformDefinition = {
  options: OPTIONS,
  create(config) {
    const options = readOptions(HIDDEN, config);
    const style = {
      nullsAreBytes: options['fields.null.include'],
      fieldNames: options['field.name.adjustment.mode'],
    };
    const schemas = new SchemaPool();
    return {
      apply(record) {
        const schema = record.valueSchema;
        if (schema?.name !== MESSAGE) return record;
        const struct = requireStruct(schema, record.value, 'Retrieve a record value');
        const json = parseContent(contentOf(schema, struct));
        const after = inferSchema(null, json, style);
        if (after?.type !== 'struct')
          throw failed('The content of a logical decoding message is no JSON object');
        const kept = schema.fields!.flatMap((field, index) =>
          field.name === 'message' ? [] : [{ field, index }],
        );
        const value = kept.map(
          ({ field, index }): ConnectValue =>
            field.name === 'op' ? 'c' : orDefault(field.schema, struct[index]),
        );
        const fields = [...kept.map(({ field }) => field), { name: 'after', schema: after }];
        const valueSchema = schemas.intern(named(structLike(schema, fields)));
        return {
          ...record,
          keySchema: null,
          key: null,
          valueSchema,
          value: [...value, jsonValue(json, after)],
        };
      },
    };
  },
};

function named(schema: ConnectSchema): ConnectSchema {
  const { type, optional, fields } = schema;
  return { type, optional, name: `${MESSAGE}.Envelope`, fields };
}

function contentOf(schema: ConnectSchema, struct: ConnectList): Uint8Array {
  const at = fieldIndex(schema, 'message');
  const message = at < 0 ? null : schema.fields![at].schema;
  const content = message === null ? -1 : fieldIndex(message, 'content');
  const bytes = content < 0 ? null : (requireStruct(message, struct[at], 'message')[content] ?? null);
  if (bytes instanceof Uint8Array) return bytes;
  throw failed('The content of a logical decoding message is non-binary');
}

function parseContent(bytes: Uint8Array): JsonTree {
  const text = Buffer.from(bytes).toString('utf8');
  if (!/^[{[]/.test(text)) throw failed('Unable to parse logical decoding message content JSON string');
  try {
    return parseJsonTree(text);
  } catch {
    // The syntax error's message quotes the text.
    throw failed('Unable to parse logical decoding message content JSON string: malformed JSON');
  }
}
