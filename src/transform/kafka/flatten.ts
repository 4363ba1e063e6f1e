import type {
  ConnectField,
  ConnectList,
  ConnectMap,
  ConnectSchema,
  ConnectValue,
} from '../../record/connect-schema.ts';
import { readOptions, text } from '../options.ts';
import { basicsOf, fieldOf, perSchema, requireMap, requireStruct, structLike } from '../schema.ts';
import type { TwoSided } from '../side.ts';

const OPTIONS = { delimiter: text('.') };
const PURPOSE = 'flattening';

/** org.apache.kafka.connect.transforms.Flatten */
export const flatten: TwoSided = {
  options: OPTIONS,
  create(config, side) {
    const { delimiter } = readOptions(OPTIONS, config);
    const flat = flattener(delimiter);
    return {
      sees: 'shape',
      apply(record) {
        const schema = side.schema(record);
        const value = side.value(record);
        if (value === null) return record;
        if (schema === null) return side.replace(record, null, flattenMap(value, delimiter));
        const plan = flat(schema);
        return side.replace(record, plan.schema, plan.apply(requireStruct(schema, value, PURPOSE)));
      },
    };
  },
};

/** The fields of structs within a struct as fields of that struct, named by their path. */
export function flattener(delimiter: string) {
  return perSchema((root: ConnectSchema) => {
    const fields: ConnectField[] = [];
    collectFields(root, '', delimiter, root.optional, (root.default ?? null) as ConnectList | null, fields);
    const apply = (struct: ConnectList): ConnectValue[] => {
      const out: ConnectValue[] = [];
      collectValues(root, struct, out);
      return out;
    };
    return { schema: structLike(root, fields), apply };
  });
}

/** What is optional around a field, or has a default, makes the field so. */
function collectFields(
  schema: ConnectSchema,
  prefix: string,
  delimiter: string,
  optional: boolean,
  parentDefault: ConnectList | null,
  out: ConnectField[],
): void {
  (schema.fields ?? []).forEach((field, i) => {
    const name = prefix === '' ? field.name : prefix + delimiter + field.name;
    const isOptional = optional || field.schema.optional;
    const fallback = field.schema.default ?? parentDefault?.[i] ?? null;
    if (field.schema.type === 'struct') {
      collectFields(field.schema, name, delimiter, isOptional, fallback as ConnectList | null, out);
      return;
    }
    const { type, keys, values } = field.schema;
    out.push({
      name,
      schema: {
        type,
        optional: isOptional,
        ...basicsOf(field.schema),
        ...(fallback !== null && { default: fallback }),
        ...(keys && { keys }),
        ...(values && { values }),
      },
    });
  });
}

function collectValues(schema: ConnectSchema, struct: ConnectValue, out: ConnectValue[]): void {
  (schema.fields ?? []).forEach((field, i) => {
    const value = fieldOf(struct, field.schema, i);
    if (field.schema.type === 'struct') collectValues(field.schema, value, out);
    else out.push(value);
  });
}

function flattenMap(value: ConnectValue, delimiter: string): ConnectMap {
  const out = new Map<ConnectValue, ConnectValue>();
  const collect = (map: ConnectMap, prefix: string): void => {
    for (const [key, each] of map) {
      const name = prefix === '' ? String(key) : prefix + delimiter + String(key);
      if (each instanceof Map) collect(each, name);
      else out.set(name, each);
    }
  };
  collect(requireMap(value, PURPOSE), '');
  return out;
}
