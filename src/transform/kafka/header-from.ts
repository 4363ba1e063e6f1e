import type { ConnectHeader } from '../../record/connect-record.ts';
import type { ConnectSchema, ConnectValue } from '../../record/connect-schema.ts';
import {
  boolean,
  invalid,
  oneOf,
  type Properties,
  readOptions,
  requiredList,
  requiredText,
} from '../options.ts';
import {
  failed,
  fieldIndex,
  orDefault,
  perSchema,
  requireMap,
  requireStruct,
  structLike,
} from '../schema.ts';
import type { TwoSided } from '../side.ts';

const OPTIONS = {
  fields: requiredList(),
  headers: requiredList(),
  operation: requiredText(oneOf(['move', 'copy'])),
  'replace.null.with.default': boolean(true),
};

/** org.apache.kafka.connect.transforms.HeaderFrom */
export const headerFrom: TwoSided = {
  options: OPTIONS,
  check: lengthProblem,
  create(config, side) {
    const options = readOptions(OPTIONS, config);
    const problem = lengthProblem(config);
    if (problem !== null) throw invalid(problem, 'headers');
    const moves = options.operation === 'move';
    const purpose = `header ${options.operation}`;
    const nullsBecomeDefaults = options['replace.null.with.default'];
    const plan = perSchema((schema) => planFields(schema, options.fields, moves));
    return {
      sees: 'shape',
      apply(record) {
        const schema = side.schema(record);
        const value = side.value(record);
        if (schema === null) {
          const map = requireMap(value, purpose);
          const added = options.fields.map((name, i): ConnectHeader => {
            return { name: options.headers[i], schema: null, value: map.get(name) ?? null };
          });
          const rest = [...map].filter(([name]) => !moves || !options.fields.includes(String(name)));
          return { ...side.replace(record, null, new Map(rest)), headers: [...record.headers, ...added] };
        }
        const struct = requireStruct(schema, value, purpose);
        const { indexes, kept, schema: newSchema } = plan(schema);
        const at = (index: number): ConnectValue =>
          nullsBecomeDefaults ? orDefault(schema.fields![index].schema, struct[index]) : struct[index];
        const added = indexes.map((index, i): ConnectHeader => {
          return { name: options.headers[i], schema: schema.fields![index].schema, value: at(index) };
        });
        const replaced = moves ? side.replace(record, newSchema, kept.map(at)) : record;
        return { ...replaced, headers: [...record.headers, ...added] };
      },
    };
  },
};

function planFields(schema: ConnectSchema, names: readonly string[], moves: boolean) {
  const indexes = names.map((name) => {
    const index = fieldIndex(schema, name);
    if (index < 0) throw failed(`Unknown field: ${name}`);
    return index;
  });
  const all = schema.fields ?? [];
  const kept = all.map((_, index) => index).filter((index) => !moves || !names.includes(all[index].name));
  const fields = kept.map((index) => all[index]);
  return { indexes, kept, schema: moves ? structLike(schema, fields) : schema };
}

function lengthProblem(config: Properties): string | null {
  const count = (text: string | undefined) => (text ?? '').trim().split(',').length;
  return count(config['fields']) === count(config['headers'])
    ? null
    : "'fields' config must have the same number of elements as 'headers' config.";
}
