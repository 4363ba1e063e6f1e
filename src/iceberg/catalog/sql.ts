import { gzipSync } from 'node:zlib';
import { IcestreamError, invariant } from '../../base/errors.ts';
import { applyUpdates, withPrevious } from '../apply.ts';
import { newTableMetadata, nextMetadataPath } from '../create.ts';
import { parseTableMetadata, printTableMetadata, type TableMetadata } from '../metadata.ts';
import { checkRequirements } from '../requirement.ts';
import { storageScheme } from '../storage/open.ts';
import type { Storage } from '../storage.ts';
import type { Catalog, CreateTable, LoadedTable, TableCommit, TableIdent } from './catalog.ts';
import { openPostgres } from './postgres.ts';
import type { SqlDatabase } from './sql-database.ts';
import { prepareSqlTables } from './sql-tables.ts';
import { parseSqlUri } from './sql-uri.ts';
import { openSqlite } from './sqlite.ts';

/**
 * Opens Iceberg's SQL catalog, in the tables that PyIceberg's SqlCatalog and Java's JdbcCatalog share. `name` is the
 * catalog's name in these tables. Properties: `uri` (see `parseSqlUri`), `warehouse`, optionally `user` and `password`.
 */
export async function openSqlCatalog(
  name: string,
  properties: Readonly<Record<string, string>>,
  makeStorage: (location: string) => Promise<Storage>,
  signal?: AbortSignal,
): Promise<Catalog> {
  const target = parseSqlUri(properties['uri'] ?? '', properties);
  const database = target.kind === 'sqlite' ? openSqlite(target.path) : openPostgres(target);
  try {
    const { hasTypes } = await prepareSqlTables(database, signal);
    return new SqlCatalog(name, properties['warehouse'], database, hasTypes, makeStorage);
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** Tables whose metadata is kept parsed: a commit then needs no read but that of the pointer. */
const LOADED_MAX = 512;
/** How often a commit starts over when another writer moved a table's pointer without touching what it requires. */
const ROUNDS_MAX = 4;

/** A table's next metadata, written but not yet pointed at. */
interface Staged {
  readonly current: LoadedTable;
  readonly next: LoadedTable;
  /** Metadata files that fell out of the log. */
  readonly dropped: readonly string[];
}

class SqlCatalog implements Catalog {
  readonly atomic = true;
  readonly #name: string;
  readonly #warehouse: string | undefined;
  readonly #database: SqlDatabase;
  /** Narrows statements on `iceberg_tables` to tables; version 0 of the schema knows no views. */
  readonly #isTable: string;
  readonly #hasTypes: boolean;
  readonly #makeStorage: (location: string) => Promise<Storage>;
  readonly #storages = new Map<string, Promise<Storage>>();
  readonly #loaded = new Map<string, LoadedTable>();

  constructor(
    name: string,
    warehouse: string | undefined,
    database: SqlDatabase,
    hasTypes: boolean,
    makeStorage: (location: string) => Promise<Storage>,
  ) {
    this.#name = name;
    this.#warehouse = warehouse?.replace(/\/+$/, '');
    this.#database = database;
    this.#hasTypes = hasTypes;
    this.#isTable = hasTypes ? " AND (iceberg_type = 'TABLE' OR iceberg_type IS NULL)" : '';
    this.#makeStorage = makeStorage;
  }

  async load(ident: TableIdent, signal?: AbortSignal): Promise<LoadedTable> {
    const { rows } = await this.#database.query(
      `SELECT metadata_location FROM iceberg_tables WHERE catalog_name = ? AND table_namespace = ? AND table_name = ?${this.#isTable}`,
      this.#key(ident),
      signal,
    );
    const location = rows[0]?.['metadata_location'];
    if (typeof location !== 'string')
      throw tableError('iceberg.table-not-found', 'there is no such table', ident);
    const known = this.#loaded.get(tableName(ident));
    if (known?.metadataLocation === location) return known;
    const storage = await this.#storage(location);
    const metadata = parseTableMetadata(await storage.read(location, signal), location);
    return this.#remember({ ident, metadata, metadataLocation: location, storage });
  }

  async create(table: CreateTable, signal?: AbortSignal): Promise<LoadedTable> {
    const { ident } = table;
    const folder = await this.#namespaceLocation(ident.namespace, signal);
    const metadata = newTableMetadata(table, table.location ?? `${folder}/${ident.name}`);
    const created = await this.#write(ident, metadata, null, signal);
    const [columns, values] = this.#hasTypes ? [', iceberg_type', ', ?'] : ['', ''];
    const { changes } = await this.#swapOrRemove([created], () =>
      this.#database.transaction(
        (query) =>
          query(
            `INSERT INTO iceberg_tables (catalog_name, table_namespace, table_name, metadata_location, previous_metadata_location${columns}) VALUES (?, ?, ?, ?, NULL${values}) ON CONFLICT DO NOTHING`,
            [...this.#key(ident), created.metadataLocation, ...(this.#hasTypes ? ['TABLE'] : [])],
          ),
        signal,
      ),
    );
    if (changes === 1) return this.#remember(created);
    await created.storage.remove([created.metadataLocation]);
    throw tableError('iceberg.table-exists', 'there is such a table already', ident);
  }

  async ensureNamespace(namespace: readonly string[], signal?: AbortSignal): Promise<void> {
    await this.#database.transaction(async (query) => {
      for (let depth = 1; depth <= namespace.length; depth++) {
        // The property that PyIceberg and Java write, for a namespace without properties would have no row.
        await query(
          "INSERT INTO iceberg_namespace_properties (catalog_name, namespace, property_key, property_value) VALUES (?, ?, 'exists', 'true') ON CONFLICT DO NOTHING",
          [this.#name, namespace.slice(0, depth).join('.')],
        );
      }
    }, signal);
  }

  async list(namespace: readonly string[], signal?: AbortSignal): Promise<readonly TableIdent[]> {
    const { rows } = await this.#database.query(
      `SELECT table_name FROM iceberg_tables WHERE catalog_name = ? AND table_namespace = ?${this.#isTable} ORDER BY table_name`,
      [this.#name, namespace.join('.')],
      signal,
    );
    if (rows.length === 0) await this.#namespaceProperties(namespace.join('.'), signal);
    return rows.map((row) => ({ namespace, name: String(row['table_name']) }));
  }

  async listNamespaces(signal?: AbortSignal): Promise<readonly (readonly string[])[]> {
    const { rows } = await this.#database.query(
      'SELECT table_namespace AS namespace FROM iceberg_tables WHERE catalog_name = ? UNION SELECT namespace FROM iceberg_namespace_properties WHERE catalog_name = ?',
      [this.#name, this.#name],
      signal,
    );
    const all = new Map<string, readonly string[]>();
    for (const row of rows) {
      const levels = String(row['namespace']).split('.');
      levels.forEach((_level, i) => {
        const parent = levels.slice(0, i + 1);
        all.set(parent.join('.'), parent);
      });
    }
    return [...all].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, levels]) => levels);
  }

  async drop(ident: TableIdent, signal?: AbortSignal): Promise<void> {
    const { changes } = await this.#database.query(
      `DELETE FROM iceberg_tables WHERE catalog_name = ? AND table_namespace = ? AND table_name = ?${this.#isTable}`,
      this.#key(ident),
      signal,
    );
    this.#loaded.delete(tableName(ident));
    if (changes === 0) throw tableError('iceberg.table-not-found', 'there is no such table', ident);
  }

  async commit(commits: readonly TableCommit[], signal?: AbortSignal): Promise<readonly LoadedTable[]> {
    const names = commits.map((commit) => tableName(commit.ident));
    invariant(new Set(names).size === names.length, 'a table stands twice in one commit');
    for (let round = 1; round <= ROUNDS_MAX; round++) {
      const staged = await this.#stageAll(commits, signal);
      const changed = staged.filter((step) => step.next !== step.current);
      const isSwapped = await this.#swapOrRemove(
        changed.map((step) => step.next),
        () => this.#swap(changed, signal),
      );
      if (isSwapped) {
        await removeDropped(changed);
        return staged.map((step) => this.#remember(step.next));
      }
      await removeStaged(changed.map((step) => step.next));
    }
    throw new IcestreamError('iceberg.commit-conflict', 'other writers committed first, again and again', {
      context: { tables: names.join(', ') },
    });
  }

  async close(): Promise<void> {
    for (const storage of this.#storages.values()) (await storage).close();
    this.#storages.clear();
    this.#loaded.clear();
    await this.#database.close();
  }

  async #stageAll(commits: readonly TableCommit[], signal?: AbortSignal): Promise<readonly Staged[]> {
    const results = await Promise.allSettled(commits.map((commit) => this.#stage(commit, signal)));
    const failed = results.find((result) => result.status === 'rejected');
    const staged = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    if (failed === undefined) return staged;
    await removeStaged(staged.filter((step) => step.next !== step.current).map((step) => step.next));
    throw failed.reason;
  }

  async #stage(commit: TableCommit, signal?: AbortSignal): Promise<Staged> {
    const current = await this.load(commit.ident, signal);
    checkRequirements(current.metadata, commit.requirements);
    if (commit.updates.length === 0) return { current, next: current, dropped: [] };
    const updated = applyUpdates(current.metadata, commit.updates);
    const { metadata, dropped } = withPrevious(updated, current.metadata, current.metadataLocation);
    const next = await this.#write(commit.ident, metadata, current.metadataLocation, signal);
    const deletes = metadata.properties?.['write.metadata.delete-after-commit.enabled'] === 'true';
    return { current, next, dropped: deletes ? dropped.map((entry) => entry['metadata-file']) : [] };
  }

  async #write(
    ident: TableIdent,
    metadata: TableMetadata,
    previous: string | null,
    signal?: AbortSignal,
  ): Promise<LoadedTable> {
    const metadataLocation = nextMetadataPath(metadata, previous);
    const storage = await this.#storage(metadataLocation);
    const text = Buffer.from(printTableMetadata(metadata));
    const bytes = metadataLocation.endsWith('.gz.metadata.json') ? gzipSync(text) : text;
    await storage.write(metadataLocation, bytes, { exclusive: true, signal });
    return { ident, metadata, metadataLocation, storage };
  }

  /** Moves all pointers in one transaction; false where one of them was not where it should be, and none moved. */
  async #swap(staged: readonly Staged[], signal?: AbortSignal): Promise<boolean> {
    if (staged.length === 0) return true;
    // One order for all writers, else two of them could wait for each other.
    const ordered = staged.toSorted((a, b) => (tableName(a.next.ident) < tableName(b.next.ident) ? -1 : 1));
    try {
      await this.#database.transaction(async (query) => {
        for (const { current, next } of ordered) {
          const { changes } = await query(
            `UPDATE iceberg_tables SET metadata_location = ?, previous_metadata_location = ? WHERE catalog_name = ? AND table_namespace = ? AND table_name = ? AND metadata_location = ?${this.#isTable}`,
            [
              next.metadataLocation,
              current.metadataLocation,
              ...this.#key(next.ident),
              current.metadataLocation,
            ],
          );
          if (changes !== 1) throw MOVED;
        }
      }, signal);
      return true;
    } catch (error) {
      if (error === MOVED) return false;
      throw error;
    }
  }

  /** After a failure with a known outcome the staged files are of no use; after an unknown one they may be the table. */
  async #swapOrRemove<T>(staged: readonly LoadedTable[], swap: () => Promise<T>): Promise<T> {
    try {
      return await swap();
    } catch (error) {
      const isUnknown = error instanceof IcestreamError && error.code === 'iceberg.commit-unknown';
      if (!isUnknown) await removeStaged(staged);
      throw error;
    }
  }

  /** Where a namespace's tables lie: its `location` property, else under the warehouse. */
  async #namespaceLocation(namespace: readonly string[], signal?: AbortSignal): Promise<string> {
    const properties = await this.#namespaceProperties(namespace.join('.'), signal);
    const location = properties.get('location');
    if (location !== undefined) return location.replace(/\/+$/, '');
    if (this.#warehouse !== undefined && this.#warehouse !== '')
      return [this.#warehouse, ...namespace].join('/');
    throw new IcestreamError('config.invalid', 'a table can only be created in a warehouse', {
      context: { property: 'iceberg.catalog.warehouse' },
      hint: 'Set iceberg.catalog.warehouse.',
    });
  }

  /** A namespace is there when it has properties, or tables or namespaces in it. */
  async #namespaceProperties(namespace: string, signal?: AbortSignal): Promise<ReadonlyMap<string, string>> {
    const { rows } = await this.#database.query(
      'SELECT property_key, property_value FROM iceberg_namespace_properties WHERE catalog_name = ? AND namespace = ?',
      [this.#name, namespace],
      signal,
    );
    if (rows.length > 0) {
      return new Map(rows.map((row) => [String(row['property_key']), String(row['property_value'])]));
    }
    const known = (await this.listNamespaces(signal)).some((levels) => levels.join('.') === namespace);
    if (known) return new Map();
    throw new IcestreamError('iceberg.namespace-not-found', 'there is no such namespace', {
      context: { namespace },
    });
  }

  #key(ident: TableIdent): string[] {
    return [this.#name, ident.namespace.join('.'), ident.name];
  }

  #storage(location: string): Promise<Storage> {
    const scheme = storageScheme(location);
    let storage = this.#storages.get(scheme);
    if (storage === undefined) {
      storage = this.#makeStorage(location);
      this.#storages.set(scheme, storage);
      storage.catch(() => this.#storages.delete(scheme));
    }
    return storage;
  }

  #remember(table: LoadedTable): LoadedTable {
    const name = tableName(table.ident);
    this.#loaded.delete(name);
    this.#loaded.set(name, table);
    for (const oldest of this.#loaded.keys()) {
      if (this.#loaded.size <= LOADED_MAX) break;
      this.#loaded.delete(oldest);
    }
    return table;
  }
}

/** Thrown out of the transaction to roll it back. */
const MOVED = new Error('a pointer has moved');

function tableName(ident: TableIdent): string {
  return [...ident.namespace, ident.name].join('.');
}

function tableError(
  code: 'iceberg.table-not-found' | 'iceberg.table-exists',
  message: string,
  ident: TableIdent,
): IcestreamError {
  return new IcestreamError(code, message, { context: { table: tableName(ident) } });
}

async function removeStaged(staged: readonly LoadedTable[]): Promise<void> {
  await Promise.allSettled(staged.map((table) => table.storage.remove([table.metadataLocation])));
}

/** The commit stands: old metadata that cannot be removed now is a few bytes too many, no reason to call it failed. */
async function removeDropped(staged: readonly Staged[]): Promise<void> {
  await Promise.allSettled(
    staged.filter((step) => step.dropped.length > 0).map((step) => step.next.storage.remove(step.dropped)),
  );
}
