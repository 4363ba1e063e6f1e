import type { ConnectList, ConnectSchema, ConnectValue } from '../../record/connect-schema.ts';
import { parseFieldPath } from '../field-path.ts';
import { boolean, oneOf, readOptions, requiredText, text } from '../options.ts';
import { failed, fieldIndex, orDefault, perSchema, requireMap, requireStruct } from '../schema.ts';
import type { TwoSided } from '../side.ts';

const OPTIONS = {
  field: requiredText({ importance: 'MEDIUM' }),
  'replace.null.with.default': boolean(true),
  'field.syntax.version': text('V1', oneOf(['V1', 'V2'], { importance: 'HIGH' })),
};
const PURPOSE = 'field extraction';

/** org.apache.kafka.connect.transforms.ExtractField */
export const extractField: TwoSided = {
  options: OPTIONS,
  create(config, side) {
    const options = readOptions(OPTIONS, config);
    const path = options['field.syntax.version'] === 'V2' ? parseFieldPath(options.field) : [options.field];
    const extract = structExtractor(path, options.field, options['replace.null.with.default']);
    return {
      sees: 'shape',
      apply(record) {
        const schema = side.schema(record);
        const value = side.value(record);
        if (schema === null) return side.replace(record, null, fromMap(value, path));
        if (value !== null) requireStruct(schema, value, PURPOSE);
        const plan = extract(schema);
        return side.replace(record, plan.schema, plan.apply(value as ConnectList | null));
      },
    };
  },
};

function fromMap(value: ConnectValue, path: readonly string[]): ConnectValue {
  let at = value;
  for (const step of path) {
    if (at === null) return null;
    at = requireMap(at, PURPOSE).get(step) ?? null;
  }
  return at;
}

/** One field of a struct, or of structs within it: its schema, and its value in a struct that may be null. */
export function structExtractor(path: readonly string[], name: string, nullsBecomeDefaults: boolean) {
  return perSchema((root: ConnectSchema) => {
    const steps: { index: number; schema: ConnectSchema }[] = [];
    let schema = root;
    for (const step of path) {
      const index = fieldIndex(schema, step);
      if (index < 0) throw failed(`Unknown field: ${name}`);
      schema = schema.fields![index].schema;
      steps.push({ index, schema });
    }
    const apply = (struct: ConnectList | null): ConnectValue => {
      let at: ConnectValue = struct;
      for (const [i, step] of steps.entries()) {
        if (at === null) return null;
        at = (at as ConnectList)[step.index];
        if (i === steps.length - 1 && nullsBecomeDefaults) at = orDefault(step.schema, at);
      }
      return at;
    };
    return { schema, apply };
  });
}
