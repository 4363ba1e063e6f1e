import { adjustedName } from '../../convert/schema-name.ts';
import type { ConnectField, ConnectList, ConnectSchema, ConnectValue } from '../../record/connect-schema.ts';
import { readOptions, text } from '../options.ts';
import { failed, fieldIndex, OPTIONAL_STRING, orDefault, perSchema, STRING, structLike } from '../schema.ts';
import type { TransformDefinition } from '../transform.ts';
import { isEnvelope } from './envelope.ts';

const OPTIONS = {};
/** Read, but not among the properties that Debezium lists. */
const HIDDEN = { 'schema.name.adjustment.mode': text('none', { importance: 'LOW' }) };

/** io.debezium.transforms.ExtractSchemaToNewRecord: what the source's columns are, as a field of the envelope. */
export const extractSchemaToNewRecord: TransformDefinition = {
  options: OPTIONS,
  create(config) {
    const mode = readOptions(HIDDEN, config)['schema.name.adjustment.mode'];
    const block = blockSchema((name) => adjustedName(name, mode));
    const plan = perSchema((envelope) => planOf(envelope, block));
    return {
      sees: 'shape',
      apply(record) {
        if (record.value === null || !isEnvelope(record)) return record;
        const { before, after, apply } = plan(record.valueSchema!);
        const values = record.value as ConnectList;
        // A truncate has no columns.
        if (values[before] === null && values[after] === null) return record;
        return { ...record, ...apply(values) };
      },
    };
  },
};

function planOf(envelope: ConnectSchema, block: ConnectSchema) {
  const fields = envelope.fields!;
  const [before, after, source] = ['before', 'after', 'source'].map((name) => requiredIndex(envelope, name));
  const table = requiredIndex(fields[source].schema, 'table');
  const valueSchema: ConnectSchema = {
    ...structLike(envelope, [...fields, { name: 'sourceSchema', schema: block }]),
    optional: envelope.optional,
  };
  let columns: readonly ConnectValue[] | null = null;
  const apply = (values: ConnectList) => {
    columns ??= fields[after].schema.fields!.map(columnOf);
    const id = (values[source] as ConnectList)[table];
    const value = values.map((each, i) => orDefault(fields[i].schema, each));
    return { valueSchema, value: [...value, [id, [columns]]] };
  };
  return { before, after, apply };
}

function requiredIndex(schema: ConnectSchema, name: string): number {
  const index = fieldIndex(schema, name);
  if (index < 0) throw failed(`Unknown field: ${name}`);
  return index;
}

/** From the parameters that `column.propagate.source.type` and `datatype.propagate.source.type` add. */
function columnOf({ schema: { parameters = {} } }: ConnectField): ConnectValue {
  const of = (name: string): string | null => parameters[`__debezium.source.column.${name}`] ?? null;
  const [name, type] = [of('name'), of('type')];
  if (name === null || type === null) {
    throw failed(
      'Ensure that enable configurations "column.propagate.source.type" or "datatype.propagate.source.type" ' +
        'and the value is set to ".*"',
    );
  }
  return [name, type, integerOf(of('length')), integerOf(of('scale')), of('comment')];
}

function integerOf(digits: string | null): number | null {
  return digits === null ? null : Number(digits);
}

function blockSchema(adjust: (name: string) => string): ConnectSchema {
  const integer: ConnectSchema = { type: 'int32', optional: true };
  const column = struct(adjust('io.debezium.connector.source.schema.Column'), {
    name: STRING,
    typeName: STRING,
    length: integer,
    scale: integer,
    comment: OPTIONAL_STRING,
  });
  // The only name that is not adjusted, there too.
  const table = struct('io.debezium.connector.source.schema.Table', {
    columns: { type: 'array', optional: false, values: column },
  });
  return struct(adjust('io.debezium.connector.source.Schema'), { id: STRING, table });
}

function struct(name: string, fields: Readonly<Record<string, ConnectSchema>>): ConnectSchema {
  const list = Object.entries(fields).map(([field, schema]) => ({ name: field, schema }));
  return { type: 'struct', optional: false, name, version: 1, fields: list };
}
