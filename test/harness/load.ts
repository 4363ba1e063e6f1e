import assert from 'node:assert/strict';
import pg from 'pg';
import { branchHead } from '../../src/iceberg/metadata.ts';
import type { Lake } from './lake.ts';

export const LOAD_TABLES = ['ledger', 'counters', 'steps'] as const;

const COUNTERS = 16;
const SCHEMA = `
CREATE TABLE ledger (id bigint PRIMARY KEY, step bigint NOT NULL, kind text NOT NULL, note text);
CREATE TABLE counters (id int PRIMARY KEY, step bigint NOT NULL, n bigint NOT NULL);
CREATE TABLE steps (step bigint NOT NULL, half int NOT NULL);
INSERT INTO counters SELECT i, 0, 0 FROM generate_series(1, ${COUNTERS}) i;
`;

/**
 * Changes that walk a fixed path, each step one transaction over three tables:
 * - `steps`, without a key, gets the step twice. In the lake a gap is a loss and a third one a duplicate.
 * - `counters`: one counter goes up by one, so that the sum is the step.
 * - `ledger`: step n inserts row n, updates one row, deletes one and now and then changes a key.
 */
export class Load {
  readonly #client: pg.Client;
  /** The last step that was committed. */
  step = 0;

  private constructor(client: pg.Client) {
    this.#client = client;
  }

  static async create(url: string): Promise<Load> {
    const client = new pg.Client({ connectionString: url });
    client.on('error', () => {}); // A server that goes away also rejects the query, which is what is reported.
    await client.connect();
    await client.query(SCHEMA);
    return new Load(client);
  }

  /** Goes on after the server was restarted: what was committed tells how far the path was walked. */
  static async resume(url: string): Promise<Load> {
    const client = new pg.Client({ connectionString: url });
    client.on('error', () => {});
    await client.connect();
    const load = new Load(client);
    const { rows } = await client.query('SELECT coalesce(max(step), 0)::int AS step FROM steps');
    load.step = rows[0].step;
    return load;
  }

  async walk(steps: number): Promise<void> {
    for (let i = 0; i < steps; i++) await this.#walkOne();
  }

  async walkUntil(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) await this.#walkOne();
  }

  async #walkOne(): Promise<void> {
    const step = this.step + 1;
    const keyChange =
      step % 10 === 0
        ? `UPDATE ledger SET id = -id, kind = 'moved', step = ${step} WHERE id = ${step - 5};`
        : '';
    await this.#client.query(
      `BEGIN;
       INSERT INTO steps VALUES (${step}, 1);
       INSERT INTO ledger VALUES (${step}, ${step}, 'new', repeat('n', ${step % 50}));
       UPDATE counters SET n = n + 1, step = ${step} WHERE id = ${1 + (step % COUNTERS)};
       UPDATE ledger SET step = ${step}, kind = 'changed' WHERE id = ${step - 3};
       DELETE FROM ledger WHERE id = ${step - 40};
       ${keyChange}
       INSERT INTO steps VALUES (${step}, 2);
       COMMIT`,
    );
    this.step = step;
  }

  async close(): Promise<void> {
    await this.#client.end();
  }
}

/**
 * O-4: whatever a crash left, the lake holds one state of the source, that after some step, which is the answer; null
 * where the lake says that the initial snapshot, or what the log repeats of it, is not behind. `together`: the catalog
 * commits all tables at once; else each table is at a step of its own until the next commit.
 */
export async function stepAfterCrash(lake: Lake, namespace: string, together = true): Promise<number | null> {
  for (const table of LOAD_TABLES) if (!(await isBeyondSnapshot(lake, `${namespace}.${table}`))) return null;
  return stepOfLake(lake, namespace, together);
}

/** The same for a lake that has caught up. */
export async function stepOfLake(lake: Lake, namespace: string, together = true): Promise<number> {
  const [steps] = await lake.query(
    `${namespace}.steps`,
    'count(*)::INT AS rows, count(DISTINCT (step, half))::INT AS distinct_rows, coalesce(max(step), 0)::INT AS newest',
  );
  const [counters] = await lake.query(
    `${namespace}.counters`,
    'coalesce(sum(n), 0)::INT AS sum, coalesce(max(step), 0)::INT AS newest, count(*)::INT AS rows, count(DISTINCT id)::INT AS ids',
  );
  const [ledger] = await lake.query(
    `${namespace}.ledger`,
    'coalesce(max(step), 0)::INT AS newest, count(*)::INT AS rows, count(DISTINCT id)::INT AS ids',
  );
  const step = steps['newest'] as number;
  const of = (own: Record<string, unknown>) => (together ? step : own['newest']);
  assert.deepEqual(steps, { rows: 2 * step, distinct_rows: 2 * step, newest: step }, 'steps');
  assert.deepEqual(
    counters,
    { sum: of(counters), newest: of(counters), rows: COUNTERS, ids: COUNTERS },
    'counters',
  );
  assert.deepEqual(ledger, { newest: of(ledger), rows: ledger['ids'], ids: ledger['ids'] }, 'ledger');
  return step;
}

/** What a table's newest marker says of the position up to which it was written. */
async function isBeyondSnapshot(lake: Lake, name: string): Promise<boolean> {
  const table = await lake.tableIfThere(name);
  const marker = table === null ? undefined : branchHead(table.metadata)?.summary['icestream.to'];
  return marker !== undefined && !/"snapshot"|icestream_may_exist_until/.test(marker);
}
