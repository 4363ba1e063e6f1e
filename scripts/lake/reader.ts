import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import type { LoadedTable } from '../../src/iceberg/catalog/catalog.ts';
import { currentSchema } from '../../src/iceberg/metadata.ts';
import type { IcebergType, NestedField } from '../../src/iceberg/schema.ts';

/**
 * Reads Iceberg tables independently of the code that wrote them: through DuckDB's own Iceberg reader where that
 * extension can be had, else through DuckDB over the files that our scan planning lists.
 */
export class LakeReader {
  readonly how: string;
  readonly #connection: DuckDBConnection;
  readonly #hasExtension: boolean;

  private constructor(connection: DuckDBConnection, hasExtension: boolean) {
    this.#connection = connection;
    this.#hasExtension = hasExtension;
    this.how = hasExtension
      ? "DuckDB's own Iceberg reader"
      : 'DuckDB over the files that our scan planning lists (its Iceberg extension could not be installed)';
  }

  /**
   * `extensions`: files to load; without them DuckDB is asked to install its own, which wants its extension server.
   * `setup`: statements that come after, the secret of an object store.
   */
  static async open(extensions: readonly string[] = [], setup: readonly string[] = []): Promise<LakeReader> {
    const instance = await DuckDBInstance.create(':memory:', {
      allow_unsigned_extensions: 'true',
      memory_limit: '1GB',
    });
    const connection = await instance.connect();
    await connection.run("SET TimeZone = 'UTC'");
    try {
      if (extensions.length === 0)
        await connection.run('INSTALL avro; INSTALL iceberg; LOAD avro; LOAD iceberg');
      else for (const path of extensions) await connection.run(`LOAD ${literal(path)}`);
    } catch {
      return new LakeReader(connection, false);
    }
    for (const statement of setup) await connection.run(statement);
    return new LakeReader(connection, true);
  }

  /** The rows of `SELECT select FROM table rest`, values as DuckDB prints them in JSON. */
  async query(table: LoadedTable, select: string, rest = ''): Promise<Record<string, unknown>[]> {
    const from = this.#hasExtension
      ? `iceberg_scan(${literal(localPath(table.metadataLocation))})`
      : await planned(table);
    const result = await this.#connection.runAndReadAll(`SELECT ${select} FROM ${from} ${rest}`);
    return result.getRowObjectsJson() as Record<string, unknown>[];
  }

  close(): void {
    this.#connection.closeSync();
  }
}

/** A FROM clause over data files, each less the rows that its delete files name. */
async function planned(table: LoadedTable): Promise<string> {
  const { planScan } = await import('../../src/iceberg/scan.ts');
  const { fields } = currentSchema(table.metadata);
  const parts: string[] = [];
  for await (const { file, deletes } of planScan(table)) {
    const conditions = deletes.map(({ file: deleteFile }) => {
      const keys = fields.filter((field) => deleteFile.equalityIds?.includes(field.id));
      const match = keys
        .map(({ name }) => `d.${quote(name)} IS NOT DISTINCT FROM r.${quote(name)}`)
        .join(' AND ');
      return `NOT EXISTS (SELECT 1 FROM ${scanFile(deleteFile.path, keys)} d WHERE ${match})`;
    });
    const where = conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`;
    parts.push(`SELECT * FROM ${scanFile(file.file.path, fields)} r${where}`);
  }
  if (parts.length > 0) return `(${parts.join(' UNION ALL ')})`;
  return `(SELECT ${fields.map(({ name, type }) => `NULL::${duckdbType(type)} AS ${quote(name)}`).join(', ')} WHERE false)`;
}

/** Columns by field id, so that renamed and added ones are what they are now. */
function scanFile(path: string, fields: readonly NestedField[]): string {
  const columns = fields.map(
    ({ id, name, type }) =>
      `${id}: {name: ${literal(name)}, type: ${literal(duckdbType(type))}, default_value: NULL}`,
  );
  return `read_parquet(${literal(localPath(path))}, schema = MAP {${columns.join(', ')}})`;
}

const DUCKDB_TYPES: Readonly<Record<string, string>> = {
  int: 'INTEGER',
  long: 'BIGINT',
  string: 'VARCHAR',
  binary: 'BLOB',
  timestamptz: 'TIMESTAMPTZ',
};

function duckdbType(type: IcebergType): string {
  if (typeof type === 'string') return DUCKDB_TYPES[type] ?? type.replace(/^fixed.*/, 'blob').toUpperCase();
  if (type.type === 'list') return `${duckdbType(type.element)}[]`;
  if (type.type === 'map') return `MAP(${duckdbType(type.key)}, ${duckdbType(type.value)})`;
  return `STRUCT(${type.fields.map((field) => `${quote(field.name)} ${duckdbType(field.type)}`).join(', ')})`;
}

function localPath(location: string): string {
  return location.replace(/^file:\/\//, '');
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
