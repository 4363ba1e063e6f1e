import type { ConnectSchema } from '../../record/connect-schema.ts';
import { boolean, readOptions, requiredList } from '../options.ts';
import { failed, fieldIndex, orDefault, perSchema, requireMap, requireStruct } from '../schema.ts';
import type { TransformDefinition } from '../transform.ts';

const OPTIONS = { fields: requiredList(), 'replace.null.with.default': boolean(true) };
const PURPOSE = 'copying fields from value to key';

/** org.apache.kafka.connect.transforms.ValueToKey */
export const valueToKey: TransformDefinition = {
  options: OPTIONS,
  create(config) {
    const { fields: names, 'replace.null.with.default': nullsBecomeDefaults } = readOptions(OPTIONS, config);
    const plan = perSchema((schema: ConnectSchema) => {
      const indexes = names.map((name) => {
        const index = fieldIndex(schema, name);
        if (index < 0) throw failed(`Field does not exist: ${name}`);
        return index;
      });
      const fields = indexes.map((index) => schema.fields![index]);
      const key: ConnectSchema = { type: 'struct', optional: false, fields };
      return { indexes, fields, key };
    });
    return {
      sees: 'shape',
      apply(record) {
        if (record.valueSchema === null) {
          const value = requireMap(record.value, PURPOSE);
          const key = new Map(names.map((name) => [name, value.get(name) ?? null]));
          return { ...record, keySchema: null, key };
        }
        const struct = requireStruct(record.valueSchema, record.value, PURPOSE);
        const { indexes, fields, key: keySchema } = plan(record.valueSchema);
        const key = indexes.map((index, i) =>
          nullsBecomeDefaults ? orDefault(fields[i].schema, struct[index]) : struct[index],
        );
        return { ...record, keySchema, key };
      },
    };
  },
};
