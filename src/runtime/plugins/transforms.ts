import { type Options, optionProblem } from '../../transform/options.ts';
import {
  PREDICATE_CLASSES,
  predicateClass,
  TRANSFORM_CLASSES,
  transformClass,
} from '../../transform/registry.ts';
import type { Properties } from '../config-providers.ts';
import type { ConfigKey } from './config-key.ts';
import { aliasesOf, key } from './framework-keys.ts';
import { CONNECT_VERSION, DEBEZIUM_VERSION } from './versions.ts';

/** What a transform would do to the lake. `records`: it shapes Kafka records only and is accepted (L-8). */
type Effect = 'records' | 'values';

const KAFKA = 'org.apache.kafka.connect.transforms.';
const DEBEZIUM = 'io.debezium.transforms.';
const POSTGRES = 'io.debezium.connector.postgresql.transforms.';

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
  ...named('records', POSTGRES, 'DecodeLogicalDecodingMessageContent', 'timescaledb.TimescaleDb'),
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

/** A property of one configured transform with its value and what is wrong with it. */
export interface TransformEntry {
  readonly key: ConfigKey;
  readonly value: string | null;
  readonly errors: readonly string[];
}

/**
 * The properties of every transform and predicate that the configuration names, in Connect's groups "Transforms: a" and
 * "Predicates: p".
 * @param mayReachLake rows may go to a sink that applies no transforms: one that changes values would be missing there
 */
export function transformEntries(config: Properties, mayReachLake: boolean): TransformEntry[] {
  const sinks = aliasesOf(config['sinks'] ?? '');
  const toLake = mayReachLake && (sinks.length === 0 || sinks.includes('iceberg'));
  const toKafka = sinks.length === 0 || sinks.includes('kafka');
  return [
    ...aliasesOf(config['transforms'] ?? '').flatMap((alias) =>
      transformEntriesOf(alias, config, toLake, toKafka),
    ),
    ...aliasesOf(config['predicates'] ?? '').flatMap((alias) => predicateEntriesOf(alias, config)),
  ];
}

function transformEntriesOf(
  alias: string,
  config: Properties,
  toLake: boolean,
  toKafka: boolean,
): TransformEntry[] {
  const plugin: Plugin = { kind: 'Transform', noun: 'Transformation', alias };
  const prefix = prefixOf(plugin);
  const className = config[`${prefix}type`];
  const definition = className === undefined ? undefined : transformClass(className);
  const effect = className === undefined ? undefined : EFFECTS.get(className);
  // The lake applies none of them: there it is enough to know that one changes no values.
  const isKnown = definition !== undefined || (effect !== undefined && !toKafka);
  const errors = typeErrors(`${prefix}type`, className, isKnown);
  if (isKnown && effect === 'values' && toLake) errors.push(lakeError(`${prefix}type`, className!));
  const problem = definition?.check?.(ownProperties(config, prefix)) ?? null;
  if (problem !== null) errors.push(problem);
  const head = headEntries(plugin, config, isKnown ? className! : null, TRANSFORM_CLASSES, errors);
  if (!isKnown) return head;
  return [
    ...head,
    ...detailKeys(plugin, className!).map((detail) => withValue(detail, config)),
    ...(className === UNWRAP ? [] : optionEntries(plugin, 4, className!, definition?.options ?? {}, config)),
  ];
}

function predicateEntriesOf(alias: string, config: Properties): TransformEntry[] {
  const plugin: Plugin = { kind: 'Predicate', noun: 'Predicate', alias };
  const name = `${prefixOf(plugin)}type`;
  const className = config[name];
  const definition = className === undefined ? undefined : predicateClass(className);
  const errors = typeErrors(name, className, definition !== undefined);
  const head = headEntries(plugin, config, definition && className!, PREDICATE_CLASSES, errors);
  if (definition === undefined) return head;
  return [...head, ...optionEntries(plugin, 2, className!, definition.options, config)];
}

interface Plugin {
  readonly kind: 'Transform' | 'Predicate';
  /** As Connect calls it in the names of its fields. */
  readonly noun: string;
  readonly alias: string;
}

const UNWRAP = `${DEBEZIUM}ExtractNewRecordState`;

function prefixOf({ kind, alias }: Plugin): string {
  return `${kind.toLowerCase()}s.${alias}.`;
}

function groupOf({ kind, alias }: Plugin): string {
  return `${kind}s: ${alias}`;
}

function ownProperties(config: Properties, prefix: string): Properties {
  const own = Object.entries(config).filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(own.map(([name, value]) => [name.slice(prefix.length), value]));
}

/** `type` and `plugin.version`. */
function headEntries(
  plugin: Plugin,
  config: Properties,
  className: string | null | undefined,
  classes: readonly string[],
  errors: readonly string[],
): TransformEntry[] {
  const { noun, alias } = plugin;
  const [group, prefix] = [groupOf(plugin), prefixOf(plugin)];
  const what = plugin.kind.toLowerCase();
  const known = className ?? null;
  const version = known === null ? null : known.startsWith(KAFKA) ? CONNECT_VERSION : DEBEZIUM_VERSION;
  const label = `${noun} type for ${alias}`;
  const type = key(group, 0, `${prefix}type`, 'CLASS', null, 'HIGH', 'LONG', label, `Class of the ${what}.`, {
    required: true,
    recommended: [...classes],
  });
  const versionKey = key(
    group,
    1,
    `${prefix}plugin.version`,
    'STRING',
    version,
    'HIGH',
    'LONG',
    `${noun} version for ${alias}`,
    `Version of the ${what}.`,
    { recommended: version === null ? [] : [version] },
  );
  return [
    { key: type, value: known, errors },
    { key: versionKey, value: config[versionKey.name] ?? version, errors: [] },
  ];
}

/** The properties of a class, in the order of Kafka's ConfigDef: required ones, then by importance and name. */
function optionEntries(
  plugin: Plugin,
  order: number,
  className: string,
  options: Options,
  config: Properties,
): TransformEntry[] {
  const short = className.slice(className.lastIndexOf('.') + 1);
  const rank = (name: string) =>
    (options[name]!.required ? 0 : 3) + ['HIGH', 'MEDIUM', 'LOW'].indexOf(options[name]!.importance);
  const names = Object.keys(options).sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
  return names.map((name, i) => {
    const { type, fallback, importance, required } = options[name]!;
    const full = prefixOf(plugin) + name;
    const documentation = `See docs/transforms.md, ${short}.`;
    const described = key(
      groupOf(plugin),
      order + i,
      full,
      type,
      fallback,
      importance,
      'NONE',
      name,
      documentation,
      { required },
    );
    const problem = optionProblem(full, options[name]!, config[full]);
    const value = problem === null ? (config[full] ?? fallback) : null;
    return { key: described, value, errors: problem === null ? [] : [problem] };
  });
}

function withValue(detail: ConfigKey, config: Properties): TransformEntry {
  return { key: detail, value: config[detail.name] ?? detail.defaultValue, errors: [] };
}

function typeErrors(name: string, className: string | undefined, isKnown: boolean): string[] {
  if (className === undefined)
    return [`Missing required configuration "${name}" which has no default value.`];
  if (!isKnown)
    return [`Invalid value ${className} for configuration ${name}: Class ${className} could not be found.`];
  return [];
}

function lakeError(name: string, className: string): string {
  return (
    `Invalid value ${className} for configuration ${name}: this transform changes row values, which the iceberg sink ` +
    'does not apply; use column.mask, column.truncate or the include and exclude lists instead.'
  );
}

function detailKeys(plugin: Plugin, className: string): ConfigKey[] {
  const group = groupOf(plugin);
  const own = className === UNWRAP ? unwrapKeys(group) : [];
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
  return keys.map((each) => ({ ...each, name: prefixOf(plugin) + each.name }));
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
