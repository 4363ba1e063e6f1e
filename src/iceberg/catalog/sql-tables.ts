import type { SqlDatabase } from './sql-database.ts';

/**
 * Makes the catalog's tables where they lack, as Java's JdbcCatalog (schema version V1) and PyIceberg make them.
 * `hasTypes` tells whether `iceberg_tables` has the column `iceberg_type`; files that were made in version V0 stay so.
 */
export async function prepareSqlTables(
  database: SqlDatabase,
  signal?: AbortSignal,
): Promise<{ hasTypes: boolean }> {
  const columns = await tableColumns(database, 'iceberg_tables', CREATE_TABLES, signal);
  await tableColumns(database, 'iceberg_namespace_properties', CREATE_NAMESPACE_PROPERTIES, signal);
  return { hasTypes: columns.includes('iceberg_type') };
}

async function tableColumns(
  database: SqlDatabase,
  table: string,
  create: string,
  signal?: AbortSignal,
): Promise<readonly string[]> {
  const columns = await database.columns(table, signal);
  if (columns.length > 0) return columns;
  try {
    await database.query(create, [], signal);
  } catch (error) {
    // PostgreSQL's IF NOT EXISTS can lose a race against another process that creates the table too.
    const made = await database.columns(table, signal);
    if (made.length > 0) return made;
    throw error;
  }
  return database.columns(table, signal);
}

const CREATE_TABLES = `CREATE TABLE IF NOT EXISTS iceberg_tables (
  catalog_name VARCHAR(255) NOT NULL,
  table_namespace VARCHAR(255) NOT NULL,
  table_name VARCHAR(255) NOT NULL,
  metadata_location VARCHAR(1000),
  previous_metadata_location VARCHAR(1000),
  iceberg_type VARCHAR(5),
  PRIMARY KEY (catalog_name, table_namespace, table_name)
)`;

const CREATE_NAMESPACE_PROPERTIES = `CREATE TABLE IF NOT EXISTS iceberg_namespace_properties (
  catalog_name VARCHAR(255) NOT NULL,
  namespace VARCHAR(255) NOT NULL,
  property_key VARCHAR(255) NOT NULL,
  property_value VARCHAR(1000),
  PRIMARY KEY (catalog_name, namespace, property_key)
)`;
