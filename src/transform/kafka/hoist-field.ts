import type { ConnectSchema } from '../../record/connect-schema.ts';
import { readOptions, requiredText } from '../options.ts';
import { perSchema } from '../schema.ts';
import type { TwoSided } from '../side.ts';

const OPTIONS = { field: requiredText({ importance: 'MEDIUM' }) };

/** org.apache.kafka.connect.transforms.HoistField */
export const hoistField: TwoSided = {
  options: OPTIONS,
  create(config, side) {
    const { field: name } = readOptions(OPTIONS, config);
    const hoisted = perSchema(
      (schema): ConnectSchema => ({ type: 'struct', optional: false, fields: [{ name, schema }] }),
    );
    return {
      sees: 'shape',
      apply(record) {
        const schema = side.schema(record);
        const value = side.value(record);
        if (schema === null) return side.replace(record, null, new Map([[name, value]]));
        return side.replace(record, hoisted(schema), [value]);
      },
    };
  },
};
