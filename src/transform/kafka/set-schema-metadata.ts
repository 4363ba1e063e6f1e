import type { ConnectSchema, ConnectValue } from '../../record/connect-schema.ts';
import { boolean, integer, readOptions, text } from '../options.ts';
import { failed, orDefault, perSchema } from '../schema.ts';
import type { TwoSided } from '../side.ts';

const OPTIONS = {
  'schema.name': text(null, { importance: 'HIGH' }),
  'schema.version': integer(null, { importance: 'HIGH' }),
  'replace.null.with.default': boolean(true),
};

/** org.apache.kafka.connect.transforms.SetSchemaMetadata */
export const setSchemaMetadata: TwoSided = {
  options: OPTIONS,
  create(config, side) {
    const options = readOptions(OPTIONS, config);
    const [name, version] = [options['schema.name'], options['schema.version']];
    const renamed = perSchema(
      (schema): ConnectSchema => ({
        ...schema,
        ...(name !== null && { name }),
        ...(version !== null && { version }),
      }),
    );
    return {
      sees: 'shape',
      apply(record) {
        const schema = side.schema(record);
        const value = side.value(record);
        if (schema === null && value === null) return record;
        if (schema === null) throw failed('Schema required for [updating schema metadata]');
        return side.replace(
          record,
          renamed(schema),
          renewed(schema, value, options['replace.null.with.default']),
        );
      },
    };
  },
};

/** A struct is built anew, which is when its nulls become defaults. */
function renewed(schema: ConnectSchema, value: ConnectValue, nullsBecomeDefaults: boolean): ConnectValue {
  if (schema.type !== 'struct' || value === null || !nullsBecomeDefaults) return value;
  return (value as readonly ConnectValue[]).map((each, i) => orDefault(schema.fields![i].schema, each));
}
