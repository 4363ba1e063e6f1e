import type { Properties } from '../config-providers.ts';
import type { ConfigKey } from './config-key.ts';
import { aliasesOf, key } from './framework-keys.ts';
import { CONNECT_VERSION, DEBEZIUM_VERSION } from './versions.ts';

/** What a transform would do to the lake. `records`: it shapes Kafka records only and is accepted (L-8). */
type Effect = 'records' | 'values';

const KAFKA = 'org.apache.kafka.connect.transforms.';
const DEBEZIUM = 'io.debezium.transforms.';

const EFFECTS: ReadonlyMap<string, Effect> = new Map([
  ...named('records', KAFKA, 'RegexRouter', 'TimestampRouter', 'InsertHeader', 'DropHeaders', 'ValueToKey'),
  ...named(
    'records',
    KAFKA,
    'SetSchemaMetadata$Key',
    'SetSchemaMetadata$Value',
    'HeaderFrom$Key',
    'HeaderFrom$Value',
  ),
  ...named('records', KAFKA, 'ExtractField$Key', 'ExtractField$Value', 'HoistField$Key', 'HoistField$Value'),
  ...named('records', KAFKA, 'Flatten$Key', 'Flatten$Value', 'Cast$Key', 'InsertField$Key', 'MaskField$Key'),
  ...named('records', KAFKA, 'ReplaceField$Key', 'TimestampConverter$Key'),
  ...named(
    'values',
    KAFKA,
    'Cast$Value',
    'Filter',
    'InsertField$Value',
    'MaskField$Value',
    'ReplaceField$Value',
  ),
  ...named('values', KAFKA, 'TimestampConverter$Value'),
  ...named('records', DEBEZIUM, 'ExtractNewRecordState', 'ByLogicalTableRouter', 'ExtractChangedRecordState'),
  ...named('records', DEBEZIUM, 'ExtractSchemaToNewRecord', 'HeaderToValue', 'SchemaChangeEventFilter'),
  ...named(
    'records',
    DEBEZIUM,
    'outbox.EventRouter',
    'partitions.PartitionRouting',
    'tracing.ActivateTracingSpan',
  ),
  ...named('records', DEBEZIUM, 'ContentBasedRouter', 'openlineage.OpenLineage'),
  ...named(
    'values',
    DEBEZIUM,
    'Filter',
    'TimezoneConverter',
    'GeometryFormatTransformer',
    'SwapGeometryCoordinates',
  ),
  ...named('values', DEBEZIUM, 'VectorToJsonConverter'),
]);

function named(effect: Effect, prefix: string, ...names: string[]): [string, Effect][] {
  return names.map((name) => [prefix + name, effect]);
}

const ACCEPTED = [...EFFECTS].filter(([, effect]) => effect === 'records').map(([name]) => name);

/** A property of one configured transform with its value and what is wrong with it. */
export interface TransformEntry {
  readonly key: ConfigKey;
  readonly value: string | null;
  readonly errors: readonly string[];
}

/**
 * The properties of every transform that the configuration names, in Connect's groups "Transforms: a".
 * @param toLake rows go to a sink that applies no transforms: one that changes values would silently be missing there
 */
export function transformEntries(config: Properties, toLake: boolean): TransformEntry[] {
  return aliasesOf(config['transforms'] ?? '').flatMap((alias) => entriesOf(alias, config, toLake));
}

function entriesOf(alias: string, config: Properties, toLake: boolean): TransformEntry[] {
  const group = `Transforms: ${alias}`;
  const prefix = `transforms.${alias}.`;
  const className = config[`${prefix}type`];
  const effect = className === undefined ? undefined : EFFECTS.get(className);
  const type = key(
    group,
    0,
    `${prefix}type`,
    'CLASS',
    null,
    'HIGH',
    'LONG',
    `Transformation type for ${alias}`,
    'Class of the transform.',
    {
      required: true,
      recommended: ACCEPTED,
    },
  );
  const version =
    effect === undefined ? null : className!.startsWith(KAFKA) ? CONNECT_VERSION : DEBEZIUM_VERSION;
  const versionKey = key(
    group,
    1,
    `${prefix}plugin.version`,
    'STRING',
    version,
    'HIGH',
    'LONG',
    `Transformation version for ${alias}`,
    'Version of the transform.',
    {
      recommended: version === null ? [] : [version],
    },
  );
  const errors = typeErrors(`${prefix}type`, className, effect, toLake);
  const entries = [
    { key: type, value: effect === undefined ? null : className!, errors },
    { key: versionKey, value: config[versionKey.name] ?? version, errors: [] },
  ];
  if (effect === undefined) return entries;
  return [...entries, ...detailKeys(group, prefix, className!).map((detail) => withValue(detail, config))];
}

function withValue(detail: ConfigKey, config: Properties): TransformEntry {
  return { key: detail, value: config[detail.name] ?? detail.defaultValue, errors: [] };
}

function typeErrors(
  name: string,
  className: string | undefined,
  effect: Effect | undefined,
  toLake: boolean,
): string[] {
  if (className === undefined)
    return [`Missing required configuration "${name}" which has no default value.`];
  if (effect === undefined)
    return [`Invalid value ${className} for configuration ${name}: Class ${className} could not be found.`];
  if (effect === 'values' && toLake)
    return [
      `Invalid value ${className} for configuration ${name}: this transform changes row values, which the iceberg sink ` +
        'does not apply; use column.mask, column.truncate or the include and exclude lists instead.',
    ];
  return [];
}

function detailKeys(group: string, prefix: string, className: string): ConfigKey[] {
  const own = className === `${DEBEZIUM}ExtractNewRecordState` ? unwrapKeys(group) : [];
  const keys = [
    key(
      group,
      2,
      'negate',
      'BOOLEAN',
      'false',
      'MEDIUM',
      'NONE',
      'negate',
      'Whether the transform applies to what the predicate does not match.',
    ),
    key(
      group,
      3,
      'predicate',
      'STRING',
      null,
      'MEDIUM',
      'NONE',
      'predicate',
      'Name of the predicate that says which records it applies to.',
    ),
    ...own,
  ];
  return keys.map((each) => ({ ...each, name: prefix + each.name }));
}

/** Debezium's ExtractNewRecordState. */
function unwrapKeys(group: string): ConfigKey[] {
  return [
    key(
      group,
      4,
      'delete.tombstone.handling.mode',
      'STRING',
      'tombstone',
      'MEDIUM',
      'MEDIUM',
      'Handle delete and tombstone records',
      'What becomes of deletes: drop, tombstone, rewrite, rewrite-with-tombstone or delete-to-tombstone.',
    ),
    key(
      group,
      5,
      'add.fields',
      'LIST',
      '',
      'LOW',
      'LONG',
      'Adds the specified field(s) to the message if they exist.',
      'Envelope fields to copy into the row.',
    ),
    key(
      group,
      6,
      'add.fields.prefix',
      'STRING',
      '__',
      'LOW',
      'SHORT',
      'Field prefix to be added to each field.',
      'Begins the names of copied fields.',
    ),
    key(
      group,
      7,
      'add.headers',
      'LIST',
      '',
      'LOW',
      'LONG',
      'Adds the specified fields to the header if they exist.',
      'Envelope fields to copy into headers.',
    ),
    key(
      group,
      8,
      'add.headers.prefix',
      'STRING',
      '__',
      'LOW',
      'SHORT',
      'Header prefix to be added to each header.',
      'Begins the names of such headers.',
    ),
    key(
      group,
      9,
      'drop.fields.from.key',
      'BOOLEAN',
      'false',
      'LOW',
      'SHORT',
      'Specifies whether the fields to be dropped should also be omitted from the key',
      'Whether dropped fields leave the key as well.',
    ),
    key(
      group,
      10,
      'drop.fields.header.name',
      'STRING',
      null,
      'LOW',
      'SHORT',
      'Specifies a header that contains a list of field names to be removed',
      'Header that lists the fields to drop.',
    ),
    key(
      group,
      11,
      'drop.fields.keep.schema.compatible',
      'BOOLEAN',
      'true',
      'LOW',
      'SHORT',
      "Specifies if fields are dropped, will the event's schemas be compatible",
      'Whether only optional fields may be dropped.',
    ),
    key(
      group,
      12,
      'route.by.field',
      'STRING',
      '',
      'LOW',
      'LONG',
      'Route by field name',
      'Field whose value names the topic.',
    ),
  ];
}
