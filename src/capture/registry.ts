import type { SourceDefinition } from './source.ts';

/** Every database by its connector class, full and short as Kafka Connect accepts them; the only place that names them. */
const SOURCES: Readonly<Record<string, () => Promise<SourceDefinition>>> = {
  'io.debezium.connector.postgresql.PostgresConnector': async () =>
    (await import('./postgres/index.ts')).postgresSource,
};

export const SOURCE_CLASSES: readonly string[] = Object.keys(SOURCES);

/** The full name of a class given as `PostgresConnector` or `Postgres`; null for what nobody bears. */
export function sourceClass(name: string): string | null {
  const known = SOURCE_CLASSES.find((full) => {
    const short = full.slice(full.lastIndexOf('.') + 1);
    return name === full || name === short || name === short.replace(/Connector$/, '');
  });
  return known ?? null;
}

export async function loadSource(name: string): Promise<SourceDefinition | null> {
  const known = sourceClass(name);
  return known === null ? null : await SOURCES[known]();
}
