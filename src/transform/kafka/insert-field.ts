import type { ConnectRecord } from '../../record/connect-record.ts';
import type { ConnectMap, ConnectSchema, ConnectValue } from '../../record/connect-schema.ts';
import { boolean, invalid, type OptionValues, readOptions, text } from '../options.ts';
import { failed, orDefault, perSchema, requireMap, requireStruct, structLike } from '../schema.ts';
import type { Side, TwoSided } from '../side.ts';
import { TIMESTAMP } from './temporal.ts';

const OPTIONS = {
  'topic.field': text(null),
  'partition.field': text(null),
  'offset.field': text(null),
  'timestamp.field': text(null),
  'static.field': text(null),
  'static.value': text(null),
  'replace.null.with.default': boolean(true),
};
const PURPOSE = 'field insertion';

/** A field that is added, and where its value comes from; null leaves it unset. */
export interface Insertion {
  readonly name: string;
  readonly schema: ConnectSchema;
  read(record: ConnectRecord): ConnectValue;
}

/** org.apache.kafka.connect.transforms.InsertField */
export const insertField: TwoSided = {
  options: OPTIONS,
  create(config, side) {
    const options = readOptions(OPTIONS, config);
    return insertingTransform(insertionsOf(options), side, options['replace.null.with.default']);
  },
};

export function insertingTransform(
  insertions: readonly Insertion[],
  side: Side,
  nullsBecomeDefaults: boolean,
) {
  const schemaOf = perSchema((schema) =>
    structLike(schema, [
      ...(schema.fields ?? []),
      ...insertions.map(({ name, schema }) => ({ name, schema })),
    ]),
  );
  return {
    sees: 'shape' as const,
    apply(record: ConnectRecord): ConnectRecord {
      const [schema, value] = [side.schema(record), side.value(record)];
      if (value === null) return record;
      if (schema === null) return side.replace(record, null, insertIntoMap(record, value, insertions));
      const struct = requireStruct(schema, value, PURPOSE);
      const fields = schema.fields ?? [];
      const inserted: ConnectValue[] = nullsBecomeDefaults
        ? struct.map((each, i) => orDefault(fields[i].schema, each))
        : [...struct];
      for (const insertion of insertions) inserted.push(insertion.read(record));
      return side.replace(record, schemaOf(schema), inserted);
    },
  };
}

function insertIntoMap(
  record: ConnectRecord,
  value: ConnectValue,
  insertions: readonly Insertion[],
): ConnectMap {
  const inserted = new Map(requireMap(value, PURPOSE));
  for (const insertion of insertions) {
    const each = insertion.read(record);
    if (each !== null) inserted.set(insertion.name, each);
  }
  return inserted;
}

function insertionsOf(options: OptionValues<typeof OPTIONS>): Insertion[] {
  const staticValue = options['static.value'];
  if (options['static.field'] !== null && staticValue === null) {
    throw invalid(
      `Invalid value null for configuration static.value: No value specified for static field: ${options['static.field']}`,
      'static.value',
    );
  }
  const insertions = [
    insertion(options['topic.field'], { type: 'string', optional: false }, (record) => record.topic),
    insertion(options['partition.field'], { type: 'int32', optional: false }, (record) => record.partition),
    insertion(options['offset.field'], { type: 'int64', optional: false }, () => {
      throw failed('Offset insertion is only supported for sink connectors');
    }),
    insertion(
      options['timestamp.field'],
      { type: 'int64', optional: false, name: TIMESTAMP, version: 1 },
      (record) => (record.timestampMs === null ? null : BigInt(record.timestampMs)),
    ),
    insertion(options['static.field'], { type: 'string', optional: false }, () => staticValue),
  ].filter((each) => each !== null);
  if (insertions.length === 0) throw invalid('No field insertion configured');
  return insertions;
}

/** `name?` makes an optional field, which is also the default, `name!` a required one. */
function insertion(spec: string | null, schema: ConnectSchema, read: Insertion['read']): Insertion | null {
  if (spec === null) return null;
  const name = spec.replace(/[?!]$/, '');
  return { name, schema: { ...schema, optional: !spec.endsWith('!') }, read };
}
