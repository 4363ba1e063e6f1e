import { nearestName } from '../../base/config.ts';
import { IcestreamError } from '../../base/errors.ts';
import type { SinkProperty } from '../sink.ts';
import { invalidReaders } from './readers.ts';

const property = (
  name: string,
  type: SinkProperty['type'],
  defaultValue: string | null,
  importance: SinkProperty['importance'],
  doc: string,
): SinkProperty => ({ name, type, default: defaultValue, importance, doc });

/** The properties of the Iceberg sink: the names of the Iceberg Kafka Connect sink, and few of our own. */
export const ICEBERG_PROPERTIES: readonly SinkProperty[] = [
  property('iceberg.catalog', 'STRING', 'iceberg', 'MEDIUM', 'Name of the catalog.'),
  property('iceberg.catalog.type', 'STRING', null, 'HIGH', 'Kind of catalog: rest, sql or jdbc.'),
  property('iceberg.catalog.uri', 'STRING', null, 'HIGH', 'Address of the catalog.'),
  property(
    'iceberg.catalog.warehouse',
    'STRING',
    null,
    'HIGH',
    'Where tables are created, a folder or an s3:// location.',
  ),
  property(
    'iceberg.tables.namespace',
    'STRING',
    '{prefix}_{schema}',
    'MEDIUM',
    'Namespace of a table; {prefix}, {database}, {schema} and {table} are filled in.',
  ),
  property(
    'iceberg.tables.name',
    'STRING',
    '{table}',
    'MEDIUM',
    'Name of a table in its namespace, from the same parts.',
  ),
  property(
    'iceberg.tables.auto-create-enabled',
    'BOOLEAN',
    'true',
    'MEDIUM',
    'Whether missing namespaces and tables are created.',
  ),
  property(
    'iceberg.tables.evolve-schema-enabled',
    'BOOLEAN',
    'true',
    'MEDIUM',
    'Whether lake tables follow changes of the source schema.',
  ),
  property(
    'iceberg.tables.upsert-mode-enabled',
    'BOOLEAN',
    'true',
    'MEDIUM',
    'Whether rows are merged by key; false appends every change.',
  ),
  property(
    'iceberg.tables.default-id-columns',
    'LIST',
    null,
    'MEDIUM',
    'Columns that identify a row where a table has no setting of its own.',
  ),
  property(
    'iceberg.tables.default-partition-by',
    'LIST',
    null,
    'MEDIUM',
    'Partition fields of new tables where a table has no setting of its own.',
  ),
  property(
    'iceberg.tables.write-target-file-size-bytes',
    'LONG',
    '268435456',
    'LOW',
    'Size at which a data file is closed and the next one begun.',
  ),
  property(
    'iceberg.tables.write-compression',
    'STRING',
    'zstd',
    'LOW',
    'Compression of data files: zstd, snappy or none.',
  ),
  property(
    'iceberg.readers',
    'LIST',
    null,
    'MEDIUM',
    'The engines that read the tables, for deletes of partitioned tables.',
  ),
  property('iceberg.control.commit.interval-ms', 'INT', '60000', 'MEDIUM', 'Time between commits.'),
  property(
    'iceberg.control.commit.bytes',
    'LONG',
    '134217728',
    'MEDIUM',
    'Bytes of changes after which a commit is made before its time.',
  ),
  property(
    'iceberg.control.commit.rows',
    'LONG',
    '10000000',
    'MEDIUM',
    'Rows after which a commit is made before its time.',
  ),
  property(
    'iceberg.snapshots.max-age-ms',
    'LONG',
    '432000000',
    'LOW',
    'Age at which table snapshots expire.',
  ),
  property('iceberg.snapshots.min-to-keep', 'INT', '20', 'LOW', 'Table snapshots kept whatever their age.'),
  property(
    'iceberg.snapshots.max-to-keep',
    'INT',
    '1000',
    'LOW',
    'Table snapshots kept at most, whatever their age.',
  ),
];

const PREFIXED = ['iceberg.catalog.', 'iceberg.table.', 'iceberg.tables.auto-create-props.'];

/** Names of the Iceberg Kafka Connect sink that mean nothing here: accepted, noted once in the log. */
const WITHOUT_MEANING = [
  'iceberg.tables',
  'iceberg.tables.dynamic-enabled',
  'iceberg.tables.route-field',
  'iceberg.tables.cdc-field',
  'iceberg.tables.schema-force-optional',
  'iceberg.control.topic',
  'iceberg.control.group-id-prefix',
  'iceberg.control.commit.threads',
  'iceberg.control.commit.timeout-ms',
  'iceberg.control.commit.max-consecutive-failures',
  'iceberg.connect.group-id',
  'iceberg.coordinator.transactional.prefix',
  'iceberg.hadoop-conf-dir',
];

export interface TableOptions {
  readonly idColumns: readonly string[] | null;
  readonly partitionBy: readonly string[];
}

export interface IcebergSinkConfig {
  readonly catalogName: string;
  /** `iceberg.catalog.*` without the prefix: type, uri, warehouse, s3.* and whatever the catalog understands. */
  readonly catalog: Readonly<Record<string, string>>;
  readonly prefix: string;
  readonly namespaceTemplate: string;
  readonly nameTemplate: string;
  readonly autoCreate: boolean;
  readonly evolveSchema: boolean;
  readonly upsert: boolean;
  readonly createProperties: Readonly<Record<string, string>>;
  readonly targetFileBytes: number;
  readonly compression: 'zstd' | 'snappy' | 'none';
  readonly readers: readonly string[];
  readonly commit: { readonly intervalMs: number; readonly bytes: number; readonly rows: number };
  readonly snapshots: { readonly maxAgeMs: number; readonly minToKeep: number; readonly maxToKeep: number };
  /** Options of a table by its lake name (`namespace.table`) or its source name (`schema.table`). */
  table(lakeName: string, sourceName: string): TableOptions;
  /** Accepted keys that have no effect here, for one note in the log. */
  readonly ignored: readonly string[];
  /** Keys nobody knows, with the nearest known one. */
  readonly unknown: readonly { readonly key: string; readonly nearest: string | null }[];
}

/** Errors by property; empty when the configuration is good. Nothing is contacted. */
export function validateIcebergConfig(config: Readonly<Record<string, string>>): Map<string, string[]> {
  const errors = new Map<string, string[]>();
  const fail = (key: string, message: string) => errors.set(key, [...(errors.get(key) ?? []), message]);
  const type = config['iceberg.catalog.type'];
  if (type === undefined || type === '')
    fail(
      'iceberg.catalog.type',
      'Missing required configuration "iceberg.catalog.type" which has no default value.',
    );
  else if (!['rest', 'sql', 'jdbc'].includes(type))
    fail(
      'iceberg.catalog.type',
      `Invalid value ${type} for configuration iceberg.catalog.type: must be one of rest, sql, jdbc`,
    );
  if (!config['iceberg.catalog.uri'])
    fail(
      'iceberg.catalog.uri',
      'Missing required configuration "iceberg.catalog.uri" which has no default value.',
    );
  if (type !== 'rest' && !config['iceberg.catalog.warehouse']) {
    fail(
      'iceberg.catalog.warehouse',
      'Missing required configuration "iceberg.catalog.warehouse" which has no default value.',
    );
  }
  for (const { name, type: kind } of ICEBERG_PROPERTIES) {
    const value = config[name];
    if (value === undefined) continue;
    const problem = invalidValue(name, kind, value);
    if (problem !== null) fail(name, `Invalid value ${value} for configuration ${name}: ${problem}`);
  }
  const readers = readersOf(config['iceberg.readers']);
  const upsert = (config['iceberg.tables.upsert-mode-enabled'] ?? 'true').trim().toLowerCase() !== 'false';
  const problem = invalidReaders(readers, upsert);
  if (problem !== null)
    fail(
      'iceberg.readers',
      `Invalid value ${readers.join(',')} for configuration iceberg.readers: ${problem}`,
    );
  return errors;
}

function invalidValue(name: string, kind: SinkProperty['type'], value: string): string | null {
  if (kind === 'BOOLEAN' && !/^(true|false)$/i.test(value.trim()))
    return 'Expected value to be either true or false';
  if ((kind === 'LONG' || kind === 'INT') && !/^\d+$/.test(value.trim()))
    return `Not a number of type ${kind}`;
  if ((kind === 'LONG' || kind === 'INT') && Number(value) < 1) return 'Value must be at least 1';
  if (name === 'iceberg.tables.write-compression' && !/^(zstd|snappy|none|uncompressed)$/i.test(value))
    return 'must be one of zstd, snappy, none';
  if (name === 'iceberg.tables.namespace' || name === 'iceberg.tables.name') {
    const unknown = [...value.matchAll(/\{([^}]*)\}/g)].find(
      (match) => !/^(prefix|database|schema|table)$/.test(match[1]),
    );
    if (unknown !== undefined) return `{${unknown[1]}} is not one of {prefix}, {database}, {schema}, {table}`;
  }
  return null;
}

/** @throws IcestreamError config.invalid with every error of `validateIcebergConfig` */
export function parseIcebergConfig(config: Readonly<Record<string, string>>): IcebergSinkConfig {
  const errors = validateIcebergConfig(config);
  if (errors.size > 0) throw new IcestreamError('config.invalid', [...errors.values()].flat().join('\n'));
  const text = (name: string) =>
    (config[name] ?? ICEBERG_PROPERTIES.find((p) => p.name === name)?.default ?? '').trim();
  const number = (name: string) => Number(text(name));
  const flag = (name: string) => text(name).toLowerCase() === 'true';
  return Object.freeze({
    catalogName: text('iceberg.catalog'),
    catalog: withPrefix(config, 'iceberg.catalog.'),
    prefix: config['topic.prefix'] ?? '',
    namespaceTemplate: text('iceberg.tables.namespace'),
    nameTemplate: text('iceberg.tables.name'),
    autoCreate: flag('iceberg.tables.auto-create-enabled'),
    evolveSchema: flag('iceberg.tables.evolve-schema-enabled'),
    upsert: flag('iceberg.tables.upsert-mode-enabled'),
    createProperties: withPrefix(config, 'iceberg.tables.auto-create-props.'),
    targetFileBytes: number('iceberg.tables.write-target-file-size-bytes'),
    compression: compressionOf(text('iceberg.tables.write-compression')),
    readers: readersOf(config['iceberg.readers']),
    commit: {
      intervalMs: number('iceberg.control.commit.interval-ms'),
      bytes: number('iceberg.control.commit.bytes'),
      rows: number('iceberg.control.commit.rows'),
    },
    snapshots: {
      maxAgeMs: number('iceberg.snapshots.max-age-ms'),
      minToKeep: number('iceberg.snapshots.min-to-keep'),
      maxToKeep: number('iceberg.snapshots.max-to-keep'),
    },
    table: (lakeName: string, sourceName: string) => tableOptions(config, lakeName, sourceName),
    ...classifyKeys(config),
  });
}

function readersOf(value: string | undefined): string[] {
  return splitList(value ?? '').map((reader) => reader.toLowerCase());
}

function tableOptions(
  config: Readonly<Record<string, string>>,
  lakeName: string,
  sourceName: string,
): TableOptions {
  const setting = (suffix: string, fallback: string) =>
    config[`iceberg.table.${lakeName}.${suffix}`] ??
    config[`iceberg.table.${sourceName}.${suffix}`] ??
    config[fallback];
  const ids = setting('id-columns', 'iceberg.tables.default-id-columns');
  const partitions = setting('partition-by', 'iceberg.tables.default-partition-by');
  return {
    idColumns: ids === undefined || ids.trim() === '' ? null : splitList(ids),
    partitionBy: partitions === undefined ? [] : splitList(partitions),
  };
}

/** A comma-separated list; commas within parentheses do not part, as in `bucket(id, 16), region`. */
export function splitList(text: string): string[] {
  return text
    .split(/,(?![^()]*\))/)
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

function withPrefix(config: Readonly<Record<string, string>>, prefix: string): Record<string, string> {
  const entries = Object.entries(config).filter(([key]) => key.startsWith(prefix));
  return Object.fromEntries(entries.map(([key, value]) => [key.slice(prefix.length), value]));
}

function compressionOf(value: string): 'zstd' | 'snappy' | 'none' {
  const lower = value.toLowerCase();
  return lower === 'snappy' ? 'snappy' : lower === 'zstd' ? 'zstd' : 'none';
}

function classifyKeys(
  config: Readonly<Record<string, string>>,
): Pick<IcebergSinkConfig, 'ignored' | 'unknown'> {
  const known = new Set(ICEBERG_PROPERTIES.map((p) => p.name));
  const keys = Object.keys(config).filter((key) => key.startsWith('iceberg.') && !known.has(key));
  const ignored = keys.filter(
    (key) =>
      WITHOUT_MEANING.includes(key) || key.startsWith('iceberg.kafka.') || key.startsWith('iceberg.hadoop.'),
  );
  const unknown = keys
    .filter((key) => !ignored.includes(key) && !PREFIXED.some((prefix) => key.startsWith(prefix)))
    .map((key) => ({ key, nearest: nearestName(key, [...known]) }));
  return { ignored, unknown };
}
