import { installDuckdbExtensions } from './duckdb.ts';
import { installKafka } from './kafka.ts';
import { installPostgres } from './postgres.ts';
import { installRestCatalog } from './rest-catalog.ts';
import { installS3 } from './s3.ts';
import { installSchemaRegistry } from './schema-registry.ts';

/** What the tests need, by the name under which scripts/test.ts and its messages speak of it. */
export const SERVICES = {
  'PostgreSQL 15': () => installPostgres(15),
  'PostgreSQL 16': () => installPostgres(16),
  'PostgreSQL 17': () => installPostgres(17),
  'PostgreSQL 18': () => installPostgres(18),
  S3: installS3,
  'REST catalog': installRestCatalog,
  Kafka: installKafka,
  'schema registry': installSchemaRegistry,
  'DuckDB extensions': installDuckdbExtensions,
} satisfies Record<string, () => Promise<unknown>>;

export type ServiceName = keyof typeof SERVICES;

/** Installs all that is missing. What could not be installed is in the answer with its reason, and nowhere else. */
export async function installAll(
  names = Object.keys(SERVICES) as ServiceName[],
): Promise<Map<ServiceName, Error>> {
  const failed = new Map<ServiceName, Error>();
  // One after the other: two at once would only share the same two cores and make npm and apt trip over their locks.
  for (const name of names) {
    try {
      await SERVICES[name]();
    } catch (error) {
      failed.set(name, error as Error);
    }
  }
  return failed;
}
