import type { SourceDefinition } from '../../capture/source.ts';
import type { ConnectorPlugin } from '../plugins.ts';
import { POSTGRES_KEYS } from './postgres-keys.ts';
import { DEBEZIUM_VERSION } from './versions.ts';

/** Debezium's PostgreSQL connector as it presents itself; what it does is in capture/postgres. */
export function postgresPlugin(
  loadSource: (className: string) => Promise<SourceDefinition | null>,
): ConnectorPlugin {
  const className = 'io.debezium.connector.postgresql.PostgresConnector';
  return {
    className,
    type: 'source',
    version: DEBEZIUM_VERSION,
    taskClass: `${className}Task`,
    metricsName: 'postgres',
    keys: POSTGRES_KEYS,
    partition: (config) => ({ server: config['topic.prefix'] ?? '' }),
    async validate(config, signal) {
      const source = await loadSource(className);
      return source === null ? new Map() : source.validate(config, signal);
    },
  };
}
