import { doubleText, floatText } from '../../convert/java-text.ts';
import type { ConnectList, ConnectMap, ConnectSchema, ConnectValue } from '../../record/connect-schema.ts';
import { fieldIndex, orDefault, perSchema, requireStruct, structLike } from '../schema.ts';
import type { TransformDefinition } from '../transform.ts';

/** Makes what stands for a field's value, of a value that is not null. */
type Convert = (value: ConnectValue) => ConnectValue;

interface Plan {
  readonly schema: ConnectSchema;
  apply(struct: ConnectList): ConnectValue[];
}

/** io.debezium.transforms.VectorToJsonConverter: vectors, at any depth of structs, as JSON text. */
export const vectorToJson: TransformDefinition = {
  options: {},
  create() {
    const plan = perSchema(planOf);
    return {
      apply(record) {
        if (record.value === null) return record;
        const struct = requireStruct(record.valueSchema, record.value, 'Value should be a struct');
        const { schema, apply } = plan(record.valueSchema!);
        return { ...record, valueSchema: schema, value: apply(struct) };
      },
    };
  },
};

function planOf(schema: ConnectSchema): Plan {
  const fields = (schema.fields ?? []).map((field) => ({ field, ...planField(field.schema) }));
  const converted = fields.map(({ field, schema }) => ({ name: field.name, schema }));
  return {
    schema: { ...structLike(schema, converted), optional: schema.optional },
    apply: (struct) =>
      fields.map(({ field, convert }, i) => {
        const value = orDefault(field.schema, struct[i]);
        return value === null ? null : convert(value);
      }),
  };
}

function planField(schema: ConnectSchema): { schema: ConnectSchema; convert: Convert } {
  switch (schema.name) {
    case 'io.debezium.data.FloatVector':
      return { schema: jsonSchema(schema), convert: (value) => vectorText(value as ConnectList, floatText) };
    case 'io.debezium.data.DoubleVector':
      return { schema: jsonSchema(schema), convert: (value) => vectorText(value as ConnectList, doubleText) };
    case 'io.debezium.data.SparseDoubleVector':
      return { schema: jsonSchema(schema), convert: sparseText(schema) };
  }
  if (schema.type !== 'struct') return { schema, convert: (value) => value };
  const { schema: converted, apply } = planOf(schema);
  return { schema: converted, convert: (value) => apply(value as ConnectList) };
}

function jsonSchema({ optional }: ConnectSchema): ConnectSchema {
  return { type: 'string', optional, name: 'io.debezium.data.Json', version: 1 };
}

function vectorText(values: ConnectList, textOf: (value: number) => string): string {
  return `{ "values": [${values.map((value) => numberText(value, textOf)).join(', ')}] }`;
}

function sparseText(schema: ConnectSchema): Convert {
  const [dimensions, vector] = [fieldIndex(schema, 'dimensions'), fieldIndex(schema, 'vector')];
  return (value) => {
    const struct = value as ConnectList;
    const entries = [...(struct[vector] as ConnectMap)].sort(([a], [b]) => Number(a) - Number(b));
    const texts = entries.map(([index, each]) => `"${String(index)}": ${numberText(each, doubleText)}`);
    return `{ "dimensions": ${String(struct[dimensions])}, "vector": { ${texts.join(', ')} } }`;
  };
}

function numberText(value: ConnectValue, textOf: (value: number) => string): string {
  return value === null ? 'null' : textOf(value as number);
}
