import {
  boolean,
  type ConfigErrors,
  type ConfigValues,
  checked,
  className,
  int,
  list,
  long,
  oneOf,
  type Property,
  parseConfig,
  password,
  requiredText,
  splitUnescaped,
  text,
} from '../../base/config.ts';
import { javaRegex, javaRegexList } from '../../base/java-regex.ts';
import { type MaskRule, parseMasks } from './masks.ts';

/** Everything of the PostgreSQL connector's configuration, valid, and with a default wherever nothing was given. */
export interface PostgresConfig extends ConfigValues<typeof POSTGRES_PROPERTIES> {
  readonly masks: readonly MaskRule[];
  readonly keyColumns: readonly KeyRule[];
  /** `snapshot.select.statement.overrides.<table>`, by the table's name as written there. */
  readonly selectOverrides: ReadonlyMap<string, string>;
  /** `replica.identity.autoset.values`. */
  readonly replicaIdentities: readonly ReplicaIdentityRule[];
}

/** One part of `message.key.columns`: the columns that identify rows of the tables that match. */
export interface KeyRule {
  /** Against `schema.table`. */
  readonly table: RegExp;
  readonly columns: readonly string[];
}

export interface ReplicaIdentityRule {
  readonly table: RegExp;
  /** `FULL`, `DEFAULT`, `NOTHING` or `INDEX name`. */
  readonly identity: string;
}

/**
 * Reasons go behind "The 'x' value is invalid: ", the property's name is the key. The config is only to be used when
 * there are none.
 */
export function parsePostgresConfig(raw: Readonly<Record<string, string>>): {
  readonly config: PostgresConfig;
  readonly errors: ConfigErrors;
  /** What the user should know, though it works. */
  readonly warnings: readonly string[];
} {
  const { config, warnings } = withAliases(raw);
  const { values, errors } = parseConfig(POSTGRES_PROPERTIES, config);
  warnings.push(...channelNotes(values));
  checkExclusions(config, errors);
  checkPort(errors);
  checkNotifications(values, errors);
  const masks = parseMasks(config);
  for (const [name, reasons] of masks.errors) errors.set(name, reasons);
  const resolved: PostgresConfig = Object.freeze({
    ...values,
    masks: masks.value,
    keyColumns: errors.has('message.key.columns') ? [] : parseKeyRules(values['message.key.columns']),
    selectOverrides: selectOverridesOf(config, values['snapshot.select.statement.overrides']),
    replicaIdentities: errors.has('replica.identity.autoset.values')
      ? []
      : parseIdentities(values['replica.identity.autoset.values']),
  });
  return { config: resolved, errors, warnings };
}

/** Properties that come in families, by pattern. */
const FAMILIES: readonly RegExp[] = [
  /^column\.mask\.(with\.\d+\.chars|hash(\.v2)?\.[^.]+\.with\.salt\..+)$/,
  /^column\.truncate\.to\.\d+\.chars$/,
  /^snapshot\.select\.statement\.overrides\./,
  /^message\.prefix\./,
  /^(database|driver|signal|notification|internal|custom|openlineage|converters|post\.processors)\./,
];

/** True for what this connector reads, or accepts because Debezium does. */
export function isPostgresProperty(key: string): boolean {
  return (
    Object.hasOwn(POSTGRES_PROPERTIES, key) || key in ALIASES || FAMILIES.some((family) => family.test(key))
  );
}

/** Older names, and the values that they have under the present one. */
const ALIASES: Readonly<Record<string, readonly [string, (value: string) => string]>> = {
  'flush.lsn.source': [
    'lsn.flush.mode',
    (value) => (value.trim().toLowerCase() === 'false' ? 'manual' : 'connector'),
  ],
  'database.server.name': ['topic.prefix', (value) => value],
  'database.whitelist': ['database.include.list', (value) => value],
  'schema.whitelist': ['schema.include.list', (value) => value],
  'schema.blacklist': ['schema.exclude.list', (value) => value],
  'table.whitelist': ['table.include.list', (value) => value],
  'table.blacklist': ['table.exclude.list', (value) => value],
  'column.whitelist': ['column.include.list', (value) => value],
  'column.blacklist': ['column.exclude.list', (value) => value],
  'toasted.value.placeholder': ['unavailable.value.placeholder', (value) => value],
};

/** Snapshot modes of Debezium 2. */
const SNAPSHOT_MODE_ALIASES: Readonly<Record<string, string>> = {
  never: 'no_data',
  exported: 'initial',
  schema_only: 'no_data',
};

function withAliases(raw: Readonly<Record<string, string>>): {
  config: Readonly<Record<string, string>>;
  warnings: string[];
} {
  const config = { ...raw };
  const warnings: string[] = [];
  for (const [old, [name, convert]] of Object.entries(ALIASES)) {
    if (raw[old] === undefined) continue;
    warnings.push(`${old} is deprecated, use ${name}`);
    config[name] ??= convert(raw[old]);
  }
  const mode = SNAPSHOT_MODE_ALIASES[config['snapshot.mode']?.trim().toLowerCase() ?? ''];
  if (mode !== undefined) {
    warnings.push(`snapshot.mode ${config['snapshot.mode']} is now called ${mode}`);
    config['snapshot.mode'] = mode;
  }
  if (config['plugin.name']?.trim().toLowerCase() !== 'pgoutput') {
    warnings.push('plugin.name is taken as pgoutput, the only plugin read');
  }
  return { config, warnings };
}

function checkExclusions(config: Readonly<Record<string, string>>, errors: ConfigErrors): void {
  for (const family of ['schema', 'table', 'column', 'message.prefix']) {
    const include = `${family}.include.list`;
    const exclude = `${family}.exclude.list`;
    if (isGiven(config[include]) && isGiven(config[exclude])) {
      addReason(errors, exclude, `"${include}" is already specified`);
    }
  }
}

function isGiven(value: string | undefined): boolean {
  return value !== undefined && value.trim() !== '';
}

/** Debezium checks the port twice, and says so twice. */
function checkPort(errors: ConfigErrors): void {
  const reasons = errors.get('database.port');
  if (reasons !== undefined) reasons.push(reasons[0]);
}

type Values = ConfigValues<typeof POSTGRES_PROPERTIES>;

const CHANNELS = {
  'signal.enabled.channels': ['source', 'kafka', 'file', 'jmx'],
  'notification.enabled.channels': ['sink', 'log', 'jmx'],
} as const;

/** Channels that Debezium takes, and from or to which nothing comes here. */
function channelNotes(values: Values): string[] {
  return (Object.keys(CHANNELS) as (keyof typeof CHANNELS)[]).flatMap((property) =>
    values[property].flatMap((channel) => {
      if (channel === 'jmx') return [`${property}: jmx is accepted, but there is no JMX here`];
      const known: readonly string[] = CHANNELS[property];
      return known.includes(channel) ? [] : [`${property}: no channel is called ${channel}`];
    }),
  );
}

function checkNotifications(values: Values, errors: ConfigErrors): void {
  const topic = values['notification.sink.topic.name'] ?? '';
  if (!values['notification.enabled.channels'].includes('sink') || topic.trim() !== '') return;
  const reason = 'Notification topic name must be provided when kafka notification channel is enabled';
  addReason(errors, 'notification.sink.topic.name', reason);
}

function addReason(errors: ConfigErrors, name: string, reason: string): void {
  const reasons = errors.get(name);
  if (reasons === undefined) errors.set(name, [reason]);
  else reasons.push(reason);
}

function selectOverridesOf(
  config: Readonly<Record<string, string>>,
  tables: readonly string[],
): ReadonlyMap<string, string> {
  const overrides = new Map<string, string>();
  for (const table of tables) {
    const statement = config[`snapshot.select.statement.overrides.${table}`];
    if (isGiven(statement)) overrides.set(table, statement);
  }
  return overrides;
}

const KEY_RULE = /^\s*([^\s:]+):([^:\s]+)\s*$/;

function parseKeyRules(value: string | null): KeyRule[] {
  return partsOf(value, ';').map((part) => {
    const [, table, columns] = KEY_RULE.exec(part)!;
    return {
      table: javaRegex(table, { anchored: true, ignoreCase: true }),
      columns: columns.split(',').map((column) => column.trim()),
    };
  });
}

function checkKeyRules(value: string | null): string | null {
  for (const part of partsOf(value, ';')) {
    const match = KEY_RULE.exec(part);
    if (match === null) return `${part} has an invalid format (expecting '${KEY_RULE.source}')`;
    const reason = regexReason(match[1]);
    if (reason !== null) return reason;
  }
  return null;
}

const IDENTITY_RULE = /^\s*([^:]+):(FULL|DEFAULT|NOTHING|INDEX\s+\S+)\s*$/i;

function parseIdentities(value: string | null): ReplicaIdentityRule[] {
  return partsOf(value, ',').map((part) => {
    const [, table, identity] = IDENTITY_RULE.exec(part)!;
    return {
      table: javaRegex(table.trim(), { anchored: true, ignoreCase: true }),
      identity: identity.trim(),
    };
  });
}

function checkIdentities(value: string | null): string | null {
  for (const part of partsOf(value, ',')) {
    if (!IDENTITY_RULE.test(part))
      return `${part} has an invalid format (expecting '${IDENTITY_RULE.source}')`;
  }
  return null;
}

function partsOf(value: string | null, separator: string): string[] {
  return value === null ? [] : splitUnescaped(value, separator).filter((part) => part.trim() !== '');
}

function regexReason(list: string): string | null {
  try {
    javaRegexList(list);
    return null;
  } catch (error) {
    return `A comma-separated list of valid regular expressions is expected, but ${(error as Error).message}`;
  }
}

/** A list of patterns; the text stays, since commas inside patterns are escaped. */
const regexes: Property<string | null> = checked(text(null), (value) =>
  value === null ? null : regexReason(value),
);

function prefixReason(value: string): string | null {
  if (/^[a-zA-Z0-9_.-]+$/.test(value)) return null;
  return `${value} has invalid format (only the underscore, hyphen, dot and alphanumeric characters are allowed)`;
}

function slotReason(value: string): string | null {
  if (/^[a-z0-9_]{1,63}$/.test(value)) return null;
  return 'Valid replication slot name must contain only digits, lowercase characters and underscores with length <= 63';
}

function noCustomCode(value: string | null): string | null {
  return value === null || value.trim() === ''
    ? null
    : 'custom converters are Java classes, which cannot run here; remove them or convert behind the sink';
}

/**
 * Debezium's properties and defaults (3.4, and what 3.5 added), enum values in the order of its own messages. Those
 * that only shape Kafka records are here too: a valid config stays valid, whatever the sinks are.
 */
export const POSTGRES_PROPERTIES = {
  'topic.prefix': requiredText(prefixReason),
  'database.hostname': requiredText(),
  'database.port': int(5432),
  'database.user': requiredText(),
  'database.password': password(),
  'database.dbname': requiredText(),
  'database.query.timeout.ms': int(600_000, 0),
  'database.initial.statements': text(null),
  'database.sslmode': oneOf(['allow', 'prefer', 'disable', 'verify-ca', 'require', 'verify-full'], 'prefer'),
  'database.sslcert': text(null),
  'database.sslpassword': password(),
  'database.sslrootcert': text(null),
  'database.sslkey': text(null),
  'database.sslfactory': text(null),
  'database.tcpKeepAlive': boolean(true),
  'connection.validation.timeout.ms': long(60_000, 0),

  'plugin.name': oneOf(['decoderbufs', 'pgoutput'], 'decoderbufs'),
  'slot.name': checked(text('debezium'), slotReason),
  'slot.drop.on.stop': boolean(false),
  'slot.failover': boolean(false),
  'slot.stream.params': text(null),
  'slot.max.retries': int(6),
  'slot.retry.delay.ms': long(10_000),
  'publication.name': text('dbz_publication'),
  'publication.autocreate.mode': oneOf(['no_tables', 'filtered', 'disabled', 'all_tables'], 'all_tables'),
  'publish.via.partition.root': boolean(false),
  'replica.identity.autoset.values': checked(text(null), checkIdentities),
  'status.update.interval.ms': int(10_000, 1),
  'lsn.flush.mode': oneOf(['connector_and_driver', 'connector', 'manual'], 'connector'),
  'lsn.flush.timeout.ms': long(30_000, 1),
  'lsn.flush.timeout.action': oneOf(['fail', 'warn', 'ignore'], 'fail'),
  'offset.mismatch.strategy': oneOf(
    ['no_validation', 'trust_offset', 'trust_slot', 'trust_greater_lsn'],
    'no_validation',
  ),
  'xmin.fetch.interval.ms': long(0),

  'schema.include.list': regexes,
  'schema.exclude.list': regexes,
  'table.include.list': regexes,
  'table.exclude.list': regexes,
  'column.include.list': regexes,
  'column.exclude.list': regexes,
  'table.ignore.builtin': boolean(true),
  'message.key.columns': checked(text(null), checkKeyRules),
  'message.prefix.include.list': regexes,
  'message.prefix.exclude.list': regexes,
  'skipped.operations': list(['t']),
  'include.unknown.datatypes': boolean(false),

  'snapshot.mode': oneOf(
    ['always', 'initial_only', 'configuration_based', 'when_needed', 'initial', 'custom', 'no_data'],
    'initial',
  ),
  'snapshot.mode.custom.name': text(null),
  'snapshot.mode.configuration.based.snapshot.data': boolean(false),
  'snapshot.mode.configuration.based.snapshot.schema': boolean(false),
  'snapshot.mode.configuration.based.start.stream': boolean(false),
  'snapshot.mode.configuration.based.snapshot.on.schema.error': boolean(false),
  'snapshot.mode.configuration.based.snapshot.on.data.error': boolean(false),
  'snapshot.isolation.mode': oneOf(
    ['read_uncommitted', 'repeatable_read', 'read_committed', 'serializable'],
    'serializable',
  ),
  'snapshot.locking.mode': oneOf(['shared', 'custom', 'none'], 'none'),
  'snapshot.locking.mode.custom.name': text(null),
  'snapshot.query.mode': oneOf(['custom', 'select_all'], 'select_all'),
  'snapshot.query.mode.custom.name': text(null),
  'snapshot.lock.timeout.ms': long(10_000),
  'snapshot.delay.ms': long(0),
  'streaming.delay.ms': long(0),
  'snapshot.include.collection.list': regexes,
  'snapshot.fetch.size': int(null),
  'snapshot.max.threads': int(1, 1),
  'snapshot.select.statement.overrides': list([]),
  'snapshot.tables.order.by.row.count': oneOf(['disabled', 'ascending', 'descending'], 'disabled'),
  'incremental.snapshot.chunk.size': int(1024, 1),
  'incremental.snapshot.allow.schema.changes': boolean(false),
  'incremental.snapshot.watermarking.strategy': oneOf(['insert_delete', 'insert_insert'], 'insert_insert'),
  'read.only': boolean(false),

  'signal.data.collection': text(null),
  'signal.enabled.channels': list(['source']),
  'signal.poll.interval.ms': long(5000, 1),
  'signal.file': text('file-signals.txt'),
  'signal.kafka.topic': text(null),
  'signal.kafka.bootstrap.servers': text(null),
  'signal.kafka.groupId': text('kafka-signal'),
  'signal.kafka.poll.timeout.ms': int(0, 0),
  'notification.enabled.channels': list([]),
  'notification.sink.topic.name': text(null),

  'decimal.handling.mode': oneOf(['string', 'double', 'precise'], 'precise'),
  'time.precision.mode': oneOf(
    ['adaptive', 'adaptive_time_microseconds', 'isostring', 'microseconds', 'nanoseconds', 'connect'],
    'adaptive',
  ),
  'hstore.handling.mode': oneOf(['json', 'map'], 'json'),
  'binary.handling.mode': oneOf(['bytes', 'base64', 'hex', 'base64-url-safe'], 'bytes'),
  'interval.handling.mode': oneOf(['string', 'numeric'], 'numeric'),
  'money.fraction.digits': int(2, 0),
  'schema.refresh.mode': oneOf(['columns_diff', 'columns_diff_exclude_unchanged_toast'], 'columns_diff'),
  'unavailable.value.placeholder': text('__debezium_unavailable_value'),
  'schema.name.adjustment.mode': oneOf(['none', 'avro_unicode', 'avro'], 'none'),
  'field.name.adjustment.mode': oneOf(['none', 'avro_unicode', 'avro'], 'none'),
  'include.schema.comments': boolean(false),
  'column.propagate.source.type': regexes,
  'datatype.propagate.source.type': regexes,
  converters: checked(text(null), noCustomCode),
  'post.processors': text(null),
  'tombstones.on.delete': boolean(true),
  'provide.transaction.metadata': boolean(false),
  'transaction.metadata.factory': className(
    'io.debezium.pipeline.txmetadata.DefaultTransactionMetadataFactory',
  ),
  'topic.naming.strategy': className('io.debezium.schema.SchemaTopicNamingStrategy'),
  'topic.delimiter': text('.'),
  'topic.heartbeat.prefix': text(null),
  'topic.transaction': text(null),
  'sourceinfo.struct.maker': className('io.debezium.connector.postgresql.PostgresSourceInfoStructMaker'),
  'extended.headers.enabled': boolean(true),
  'skip.messages.without.change': boolean(false),
  'heartbeat.interval.ms': int(0, 0),
  'heartbeat.topics.prefix': text('__debezium-heartbeat'),
  'heartbeat.action.query': text(null),

  'event.processing.failure.handling.mode': oneOf(['warn', 'fail', 'ignore', 'skip'], 'fail'),
  'max.batch.size': int(2048, 1),
  'max.queue.size': int(8192, 0),
  'max.queue.size.in.bytes': long(0, 0),
  'poll.interval.ms': long(500, 1),
  'query.fetch.size': int(0),
  'errors.max.retries': int(-1),
  'retriable.restart.connector.wait.ms': long(10_000, 1),
  'executor.shutdown.timeout.ms': long(4000),
  'guardrail.collections.max': int(0, 0),
  'guardrail.collections.limit.action': oneOf(['warn', 'fail'], 'warn'),
  'custom.metric.tags': text(null),
  'custom.sanitize.pattern': text(null),
  'openlineage.integration.enabled': boolean(false),
  'internal.log.position.check.enable': boolean(true),
  'internal.advanced.metrics.enable': boolean(false),
  'internal.snapshot.scan.all.columns.force': boolean(false),

  /** Bytes of transactions in progress on disk (P-1). */
  'icestream.spool.max.bytes': long(50 * 2 ** 30, 1),
  /** Events have right values where Debezium's are known to be wrong; docs/configuration.md lists them. */
  'icestream.correct.values': boolean(false),
} as const;
