import type { ConnectHeader } from '../../record/connect-record.ts';
import type { ConnectField, ConnectList, ConnectSchema, ConnectValue } from '../../record/connect-schema.ts';
import { invalid, list, readOptions, text } from '../options.ts';
import {
  failed,
  fieldIndex,
  OPTIONAL_STRING,
  orDefault,
  perSchema,
  requireStruct,
  structLike,
} from '../schema.ts';
import type { TransformDefinition } from '../transform.ts';

const OPTIONS = {
  headers: list({ importance: 'HIGH' }),
  fields: list({ importance: 'HIGH' }),
  operation: text(null, { importance: 'HIGH' }),
};

/** io.debezium.transforms.HeaderToValue: headers as fields of the value, `after.x` into a struct of it. */
export const headerToValue: TransformDefinition = {
  options: OPTIONS,
  create(config) {
    const { headers: names, fields, operation } = readOptions(OPTIONS, config);
    requireValid(names, fields, operation);
    const moves = operation!.trim().toLowerCase() === 'move';
    const plan = perSchema(() => new Map<string, ConnectSchema>());
    return {
      apply(record) {
        if (record.value === null) return record;
        const struct = requireStruct(record.valueSchema, record.value, 'Header field insertion');
        const entries = record.headers
          .filter(({ name }) => names.includes(name))
          .map((header) => ({ path: fields[names.indexOf(header.name)].split('.'), header }));
        if (entries.length === 0) return record;
        const shapes = plan(record.valueSchema!);
        const id = entries.map(({ path }) => path.join('.')).join(',');
        let schema = shapes.get(id);
        if (schema === undefined) {
          schema = extended(record.valueSchema!, entries);
          shapes.set(id, schema);
        }
        const value = extendedValue(record.valueSchema!, struct, entries);
        const headers = moves ? record.headers.filter(({ name }) => !names.includes(name)) : record.headers;
        return { ...record, valueSchema: schema, value, headers };
      },
    };
  },
};

interface Entry {
  readonly path: readonly string[];
  readonly header: ConnectHeader;
}

function extended(schema: ConnectSchema, entries: readonly Entry[]): ConnectSchema {
  for (const { path } of entries) requireParents(schema, path);
  const fields = schema.fields!.map((field): ConnectField => {
    const inner = within(field.name, entries);
    return inner.length === 0 ? field : { name: field.name, schema: extended(field.schema, inner) };
  });
  const added = entries
    .filter(({ path }) => path.length === 1)
    .map(({ path, header }) => ({ name: path[0], schema: header.schema ?? OPTIONAL_STRING }));
  return structLike(schema, [...fields, ...added]);
}

function requireParents(schema: ConnectSchema, path: readonly string[]): void {
  if (path.length === 1) return;
  const index = fieldIndex(schema, path[0]);
  if (index < 0)
    throw failed(
      `Field '${path[0]}' does not exist in the schema. Cannot add nested field '${path.join('.')}'.`,
    );
  if (schema.fields![index].schema.type !== 'struct')
    throw failed(
      `Field '${path[0]}' is a primitive type, not a struct. Cannot add nested field '${path.join('.')}'.`,
    );
}

function extendedValue(
  schema: ConnectSchema,
  struct: ConnectList,
  entries: readonly Entry[],
): ConnectValue[] {
  const values = schema.fields!.map((field, i): ConnectValue => {
    const value = orDefault(field.schema, struct[i]);
    const inner = within(field.name, entries);
    if (inner.length === 0 || value === null) return value;
    return extendedValue(field.schema, value as ConnectList, inner);
  });
  for (const { path, header } of entries) if (path.length === 1) values.push(header.value);
  return values;
}

/** The entries that lead into a field, without that step. */
function within(name: string, entries: readonly Entry[]): Entry[] {
  return entries
    .filter(({ path }) => path.length > 1 && path[0] === name)
    .map(({ path, header }) => ({ path: path.slice(1), header }));
}

function requireValid(headers: readonly string[], fields: readonly string[], operation: string | null): void {
  for (const [property, given] of Object.entries({ headers, fields })) {
    if (given.length === 0 || given.includes(''))
      throw invalid(`The '${property}' value is invalid: A value is required`, property);
  }
  if (headers.length !== fields.length)
    throw invalid("'fields' config must have the same number of elements as 'headers' config.", 'fields');
  if (!['move', 'copy'].includes((operation ?? '').trim().toLowerCase()))
    throw invalid("The 'operation' value is invalid: Value must be one of move, copy", 'operation');
}
