import type { ConnectorConfig } from '../source.ts';
import type { PostgresConfig } from './config.ts';
import type { ConnectOptions } from './connection.ts';

/** How to connect, from the configuration. `connector` is shown in pg_stat_activity. */
export function connectOptions(config: PostgresConfig, connector: string): ConnectOptions {
  return {
    host: config['database.hostname'],
    port: config['database.port'],
    user: config['database.user'],
    password: config['database.password'].reveal(),
    database: config['database.dbname'],
    applicationName: `icestream ${connector}`,
    sslMode: config['database.sslmode'],
    sslCert: config['database.sslcert'] ?? '',
    sslKey: config['database.sslkey'] ?? '',
    sslPassword: config['database.sslpassword'].reveal(),
    sslRootCert: config['database.sslrootcert'] ?? '',
    tcpKeepAlive: config['database.tcpKeepAlive'],
    connectTimeoutMs: config['connection.validation.timeout.ms'],
    initialStatements: (config['database.initial.statements'] ?? '')
      .split(/(?<!;);(?!;)/)
      .map((statement) => statement.trim().replaceAll(';;', ';'))
      .filter((statement) => statement !== ''),
  };
}

/** True when a lake is among the sinks. */
export function hasLake(raw: ConnectorConfig): boolean {
  return /(^|,)\s*iceberg\s*(,|$)/.test(raw['sinks'] ?? '');
}

/** True when changes are published as events, too. */
export function hasEvents(raw: ConnectorConfig): boolean {
  return /(^|,)\s*kafka\s*(,|$)/.test(raw['sinks'] ?? '');
}

/**
 * The lake's key of a table comes before the database's (L-9): chunks and before-images must go along it. A lake that only
 * appends merges by no key at all, so that its snapshots cannot be resumed (P-4).
 */
export function idColumns(raw: ConnectorConfig, table: string): readonly string[] | null {
  if (hasLake(raw) && /^\s*false\s*$/i.test(raw['iceberg.tables.upsert-mode-enabled'] ?? '')) return [];
  const value = raw[`iceberg.table.${table}.id-columns`] ?? raw['iceberg.tables.default-id-columns'];
  const columns = (value ?? '').split(',').map((column) => column.trim());
  return columns[0] === '' ? null : columns;
}
