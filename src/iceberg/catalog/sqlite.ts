import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { type ErrorCode, IcestreamError, isAbort } from '../../base/errors.ts';
import { type SqlDatabase, type SqlQuery, type SqlResult, type SqlValue, Turnstile } from './sql-database.ts';

/** A catalog in an SQLite file. Other processes (PyIceberg, Java) may use it at the same time. */
export function openSqlite(path: string): SqlDatabase {
  try {
    mkdirSync(dirname(path), { recursive: true });
    // No busy timeout: SQLite would wait with the whole thread; we wait between attempts instead.
    return new SqliteDatabase(path, new DatabaseSync(path, { timeout: 0 }));
  } catch (error) {
    throw sqliteError(error, path);
  }
}

/** How long another process may hold the lock before we give up; its transactions are a few statements long. */
const BUSY_LIMIT_MS = 30_000;

class SqliteDatabase implements SqlDatabase {
  readonly #path: string;
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #turnstile = new Turnstile();

  constructor(path: string, database: DatabaseSync) {
    this.#path = path;
    this.#database = database;
  }

  async query(sql: string, parameters: readonly SqlValue[], signal?: AbortSignal): Promise<SqlResult> {
    return this.#turnstile.pass(() => this.#whenFree(() => this.#run(sql, parameters), signal));
  }

  async transaction<T>(work: (query: SqlQuery) => Promise<T>, signal?: AbortSignal): Promise<T> {
    return this.#turnstile.pass(async () => {
      // The write lock at once: a transaction that reads first could not get it later without starting over.
      await this.#whenFree(() => this.#database.exec('BEGIN IMMEDIATE'), signal);
      try {
        const result = await work(async (sql, parameters) => this.#guard(() => this.#run(sql, parameters)));
        // Readers can hold a commit up; the transaction stays open meanwhile.
        await this.#whenFree(() => this.#database.exec('COMMIT'), signal);
        return result;
      } catch (error) {
        // A statement that failed badly has rolled back by itself. As long as it is open, nothing was committed.
        if (this.#database.isTransaction) this.#guard(() => this.#database.exec('ROLLBACK'));
        throw error;
      }
    });
  }

  async columns(table: string, signal?: AbortSignal): Promise<readonly string[]> {
    const { rows } = await this.query('SELECT name FROM pragma_table_info(?)', [table], signal);
    return rows.map((row) => String(row['name']));
  }

  async close(): Promise<void> {
    await this.#turnstile.pass(async () => {
      this.#statements.clear();
      this.#database.close();
    });
  }

  #run(sql: string, parameters: readonly SqlValue[]): SqlResult {
    let statement = this.#statements.get(sql);
    if (statement === undefined) this.#statements.set(sql, (statement = this.#database.prepare(sql)));
    if (/^\s*select/i.test(sql)) return { rows: statement.all(...parameters), changes: 0 };
    return { rows: [], changes: Number(statement.run(...parameters).changes) };
  }

  async #whenFree<T>(action: () => T, signal?: AbortSignal): Promise<T> {
    const deadline = Date.now() + BUSY_LIMIT_MS;
    for (let wait = 2; ; wait = Math.min(wait * 2, 100)) {
      signal?.throwIfAborted();
      try {
        return action();
      } catch (error) {
        if (!isBusy(error) || Date.now() > deadline) throw sqliteError(error, this.#path);
      }
      await delay(wait + Math.random() * wait, undefined, { signal });
    }
  }

  #guard<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      throw sqliteError(error, this.#path);
    }
  }
}

// Primary result codes of SQLite.
const BUSY = 5;
const LOCKED = 6;
const CODES: Readonly<Record<number, ErrorCode>> = {
  [BUSY]: 'iceberg.catalog-unreachable',
  [LOCKED]: 'iceberg.catalog-unreachable',
  3: 'iceberg.catalog-refused',
  8: 'iceberg.catalog-refused',
  13: 'storage.full',
  14: 'iceberg.catalog-unreachable',
  23: 'iceberg.catalog-refused',
};

function primaryCode(error: unknown): number {
  return ((error as { errcode?: number }).errcode ?? 0) & 0xff;
}

function isBusy(error: unknown): boolean {
  const code = primaryCode(error);
  return code === BUSY || code === LOCKED;
}

function sqliteError(error: unknown, path: string): unknown {
  if (error instanceof IcestreamError || isAbort(error)) return error;
  const fileSystem = (error as NodeJS.ErrnoException).code;
  const isFull = fileSystem === 'ENOSPC';
  const code = isFull ? 'storage.full' : (CODES[primaryCode(error)] ?? 'iceberg.catalog-error');
  return new IcestreamError(code, 'the SQLite file of the catalog failed', {
    cause: error,
    context: { path },
  });
}
