import type { SourceDefinition } from '../../capture/source.ts';
import type { ConnectorPlugin } from '../plugins.ts';
import { POSTGRES_KEYS } from './postgres-keys.ts';
import { DEBEZIUM_VERSION } from './versions.ts';

export const POSTGRES_CLASS = 'io.debezium.connector.postgresql.PostgresConnector';

/** Debezium's PostgreSQL connector as it presents itself; what it does is in `source`. */
export function postgresPlugin(source: SourceDefinition): ConnectorPlugin {
  return {
    className: POSTGRES_CLASS,
    type: 'source',
    version: DEBEZIUM_VERSION,
    taskClass: `${POSTGRES_CLASS}Task`,
    metricsName: 'postgres',
    keys: POSTGRES_KEYS,
    accepts: source.accepts,
    partition: (config) => ({ server: config['topic.prefix'] ?? '' }),
    validate: source.validate,
  };
}
