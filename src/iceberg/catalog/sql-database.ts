/** A database that holds a SQL catalog. Parameters stand as `?` in the statements. */
export interface SqlDatabase {
  /** Runs one statement on its own. */
  query(sql: string, parameters: readonly SqlValue[], signal?: AbortSignal): Promise<SqlResult>;
  /**
   * Runs `work` in a transaction, alone on the connection, and commits; what `work` throws rolls back.
   * iceberg.commit-unknown if the database did not say whether it committed; iceberg.catalog-unreachable if the
   * connection was lost before; iceberg.commit-conflict if it lost against another transaction.
   */
  transaction<T>(work: (query: SqlQuery) => Promise<T>, signal?: AbortSignal): Promise<T>;
  /** Names of a table's columns, none where there is no such table. */
  columns(table: string, signal?: AbortSignal): Promise<readonly string[]>;
  close(): Promise<void>;
}

export type SqlValue = string | number | null;

export type SqlQuery = (sql: string, parameters: readonly SqlValue[]) => Promise<SqlResult>;

export interface SqlResult {
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  /** Rows that the statement inserted, updated or deleted. */
  readonly changes: number;
}

/** Lets one thing happen at a time, in the order of asking. */
export class Turnstile {
  #last: Promise<unknown> = Promise.resolve();

  async pass<T>(action: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(action);
    // The next one waits for the end of this one, whatever it is; the failure belongs to whoever awaits `turn`.
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}
