import type { ConnectSchema, ConnectValue } from '../../record/connect-schema.ts';
import { boolean, invalid, list, type Properties, readOptions } from '../options.ts';
import { orDefault, perSchema, requireMap, requireStruct, structLike } from '../schema.ts';
import type { TwoSided } from '../side.ts';

const OPTIONS = {
  exclude: list(),
  include: list(),
  renames: list(),
  'replace.null.with.default': boolean(true),
};
const PURPOSE = 'field replacement';

/** org.apache.kafka.connect.transforms.ReplaceField */
export const replaceField: TwoSided = {
  options: OPTIONS,
  create(config, side) {
    const options = readOptions(OPTIONS, withOldNames(config));
    const project = fieldProjection(
      nameChooser(options.include, options.exclude),
      renamesOf(options.renames),
      options['replace.null.with.default'],
    );
    return {
      sees: 'shape',
      apply(record) {
        const value = side.value(record);
        if (value === null) return record;
        const schema = side.schema(record);
        if (schema === null) return side.replace(record, null, project.map(value));
        const plan = project.plan(schema);
        return side.replace(record, plan.schema, plan.apply(requireStruct(schema, value, PURPOSE)));
      },
    };
  },
};

/** The names of Kafka 3 and earlier. */
function withOldNames(config: Properties): Properties {
  const { whitelist, blacklist, ...rest } = config;
  return { ...(whitelist && { include: whitelist }), ...(blacklist && { exclude: blacklist }), ...rest };
}

function nameChooser(include: readonly string[], exclude: readonly string[]): (name: string) => boolean {
  const included = new Set(include);
  const excluded = new Set(exclude);
  return (name) => !excluded.has(name) && (included.size === 0 || included.has(name));
}

function renamesOf(pairs: readonly string[]): ReadonlyMap<string, string> {
  return new Map(
    pairs.map((pair) => {
      const [from, to, ...rest] = pair.split(':');
      if (to === undefined || rest.length > 0)
        throw invalid(
          `Invalid value [${pairs.join(', ')}] for configuration renames: Invalid rename mapping: ${pair}`,
          'renames',
        );
      return [from, to];
    }),
  );
}

/** Some of a struct's fields, under other names. */
export function fieldProjection(
  keeps: (name: string) => boolean,
  renames: ReadonlyMap<string, string>,
  nullsBecomeDefaults: boolean,
) {
  const plan = perSchema((schema: ConnectSchema) => {
    const kept = (schema.fields ?? []).flatMap((field, index) =>
      keeps(field.name) ? [{ field, index }] : [],
    );
    const fields = kept.map(({ field }) => ({
      name: renames.get(field.name) ?? field.name,
      schema: field.schema,
    }));
    const apply = (struct: readonly ConnectValue[]) =>
      kept.map(({ field, index }) =>
        nullsBecomeDefaults ? orDefault(field.schema, struct[index]) : struct[index],
      );
    return { schema: structLike(schema, fields), apply };
  });
  const map = (value: ConnectValue) => {
    const kept = [...requireMap(value, PURPOSE)].filter(([name]) => keeps(String(name)));
    return new Map(kept.map(([name, each]) => [renames.get(String(name)) ?? name, each]));
  };
  return { plan, map };
}
