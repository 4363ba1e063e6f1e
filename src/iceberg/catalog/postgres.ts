import pg from 'pg';
import { type ErrorCode, IcestreamError } from '../../base/errors.ts';
import { type SqlDatabase, type SqlQuery, type SqlResult, type SqlValue, Turnstile } from './sql-database.ts';
import type { SqlTarget } from './sql-uri.ts';

type PostgresTarget = Extract<SqlTarget, { kind: 'postgres' }>;

/** A catalog in a PostgreSQL database, over one connection that is opened when needed and again after it broke. */
export function openPostgres(target: PostgresTarget): SqlDatabase {
  return new PostgresDatabase(target);
}

const CONNECT_TIMEOUT_MS = 10_000;
/** A statement of ours takes milliseconds; one that takes this long hangs on a lock or on a dead network. */
const QUERY_TIMEOUT_MS = 60_000;

class PostgresDatabase implements SqlDatabase {
  readonly #target: PostgresTarget;
  readonly #turnstile = new Turnstile();
  #client: pg.Client | null = null;

  constructor(target: PostgresTarget) {
    this.#target = target;
  }

  async query(sql: string, parameters: readonly SqlValue[], signal?: AbortSignal): Promise<SqlResult> {
    return this.#alone(signal, (client) => this.#run(client, sql, parameters));
  }

  async transaction<T>(work: (query: SqlQuery) => Promise<T>, signal?: AbortSignal): Promise<T> {
    return this.#alone(signal, async (client) => {
      await this.#run(client, 'BEGIN', []);
      let result: T;
      try {
        result = await work((sql, parameters) => this.#run(client, sql, parameters));
      } catch (error) {
        await this.#rollback(client);
        throw error;
      }
      await this.#commit(client);
      return result;
    });
  }

  async columns(table: string, signal?: AbortSignal): Promise<readonly string[]> {
    const { rows } = await this.query(
      'SELECT column_name FROM information_schema.columns WHERE table_name = ? AND table_schema = ANY (current_schemas(false))',
      [table],
      signal,
    );
    return rows.map((row) => String(row['column_name']));
  }

  async close(): Promise<void> {
    await this.#turnstile.pass(async () => {
      const client = this.#client;
      this.#client = null;
      await client?.end();
    });
  }

  /** One user of the connection at a time; an abort breaks the connection, for a query cannot be left half-way. */
  async #alone<T>(signal: AbortSignal | undefined, work: (client: pg.Client) => Promise<T>): Promise<T> {
    return this.#turnstile.pass(async () => {
      signal?.throwIfAborted();
      const client = this.#client ?? (await this.#connect());
      const onAbort = () => this.#discard(client);
      signal?.addEventListener('abort', onAbort, { once: true });
      try {
        return await work(client);
      } catch (error) {
        // What was lost while committing stays unknown, whoever cut the connection.
        if (signal?.aborted && !isUnknown(error)) signal.throwIfAborted();
        throw error;
      } finally {
        signal?.removeEventListener('abort', onAbort);
      }
    });
  }

  async #connect(): Promise<pg.Client> {
    try {
      return await this.#tryConnect(tlsOf(this.#target.sslmode));
    } catch (error) {
      // `prefer` and `allow`: a server without TLS is taken as well.
      const mayBePlain = this.#target.sslmode === 'prefer' || this.#target.sslmode === 'allow';
      if (!mayBePlain || !/does not support SSL/i.test((error as Error).message))
        throw this.#error(error, true);
    }
    try {
      return await this.#tryConnect(false);
    } catch (error) {
      throw this.#error(error, true);
    }
  }

  async #tryConnect(ssl: pg.ClientConfig['ssl']): Promise<pg.Client> {
    const { host, port, database, user, password } = this.#target;
    const client = new pg.Client({
      host,
      port,
      database,
      user,
      password,
      ssl,
      application_name: 'icestream catalog',
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      query_timeout: QUERY_TIMEOUT_MS,
      keepAlive: true,
    });
    // A connection that breaks between two queries is noticed here; the next query opens another.
    client.on('error', () => this.#discard(client));
    await client.connect();
    this.#client = client;
    return client;
  }

  async #run(client: pg.Client, sql: string, parameters: readonly SqlValue[]): Promise<SqlResult> {
    try {
      const result = await client.query(numberParameters(sql), [...parameters]);
      return { rows: result.rows, changes: result.rowCount ?? 0 };
    } catch (error) {
      const isLost = isConnectionLoss(error);
      if (isLost) this.#discard(client);
      throw this.#error(error, isLost);
    }
  }

  async #commit(client: pg.Client): Promise<void> {
    try {
      await client.query('COMMIT');
    } catch (error) {
      if (!isConnectionLoss(error)) throw this.#error(error, false);
      this.#discard(client);
      throw new IcestreamError(
        'iceberg.commit-unknown',
        'the connection to the catalog broke while committing',
        {
          cause: error,
          context: this.#context(error),
        },
      );
    }
  }

  async #rollback(client: pg.Client): Promise<void> {
    if (this.#client !== client) return;
    try {
      await client.query('ROLLBACK');
    } catch {
      // The error that led here says more; without the connection the server rolls back by itself.
      this.#discard(client);
    }
  }

  #discard(client: pg.Client): void {
    if (this.#client === client) this.#client = null;
    // pg's `end` waits for what is under way, possibly for ever; the socket must go at once.
    (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
  }

  #error(error: unknown, isLost: boolean): IcestreamError {
    if (error instanceof IcestreamError) return error;
    const state = (error as { code?: string }).code ?? '';
    const code = codeOf(state) ?? (isLost ? 'iceberg.catalog-unreachable' : 'iceberg.catalog-error');
    return new IcestreamError(code, 'the database of the catalog failed', {
      cause: error,
      context: this.#context(error),
    });
  }

  #context(error: unknown): Record<string, string | number | undefined> {
    const { host, port, database } = this.#target;
    return { host, port, database, sqlstate: (error as { code?: string }).code };
  }
}

function tlsOf(sslmode: string): pg.ClientConfig['ssl'] {
  switch (sslmode) {
    case 'disable':
      return false;
    case 'verify-ca':
      return { rejectUnauthorized: true, checkServerIdentity: () => undefined };
    case 'verify-full':
      return { rejectUnauthorized: true };
    default:
      return { rejectUnauthorized: false };
  }
}

function codeOf(sqlstate: string): ErrorCode | null {
  if (/^28|^42501|^3D000/.test(sqlstate)) return 'iceberg.catalog-refused';
  // Serialization failures and deadlocks: another transaction won.
  if (sqlstate === '40001' || sqlstate === '40P01') return 'iceberg.commit-conflict';
  return null;
}

/** Whether the connection is gone, or of no more use: the server's last word is then missing. */
function isConnectionLoss(error: unknown): boolean {
  const code = (error as { code?: string }).code;
  // Errors that the server sent have a SQLSTATE; classes 08 and 57P say that the connection ends.
  if (code === undefined || !/^[0-9A-Z]{5}$/.test(code)) return true;
  return /^08|^57P|^40003/.test(code);
}

function isUnknown(error: unknown): boolean {
  return error instanceof IcestreamError && error.code === 'iceberg.commit-unknown';
}

function numberParameters(sql: string): string {
  let count = 0;
  return sql.replace(/\?/g, () => `$${++count}`);
}
