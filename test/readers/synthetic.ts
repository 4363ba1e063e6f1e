import type { TestContext } from 'node:test';
import { currentSchema } from '../../src/iceberg/metadata.ts';
import type { TableMark } from '../../src/record/batch.ts';
import { type TestLake, testLake } from '../sink/iceberg/lake.ts';
import { changeBatch, type TestChange, textTable } from '../sink/iceberg/rows.ts';
import { canonicalRows } from './canonical.ts';
import { type Exhibit, typesOf } from './gallery.ts';

const COLUMNS = ['id', 'region', 'v'] as const;
const REGIONS = ['north', 'south', 'east', 'west'];
const COMMITS = 120;
type Row = [id: string, region: string | null, v: string];

const BY_REGION = { 'iceberg.table.public.t.partition-by': 'region' };

const never = new AbortController().signal;

/** What takes the sink alone: a content replaced by a snapshot, and tables after more than a hundred commits. */
export async function buildSynthetic(t: TestContext): Promise<Exhibit[]> {
  const plain = { shows: 'replaced by a snapshot (L-6), then changed', name: 'replaced' };
  const parts = { shows: 'partitioned, replaced by a snapshot (L-6), then changed', name: 'replaced_parts' };
  const old = { shows: `after ${COMMITS} commits, manifests merged, snapshots expired`, name: 'aged' };
  const oldParts = { shows: `partitioned, after ${COMMITS} commits`, name: 'aged_parts' };
  const globals = {
    shows: 'global deletes (iceberg.readers), a partition value is NULL',
    name: 'part_global',
  };
  return [
    await exhibit(t, plain, {}, replace),
    await exhibit(t, parts, BY_REGION, replace),
    await exhibit(t, old, {}, age),
    await exhibit(t, oldParts, BY_REGION, age),
    await exhibit(t, globals, { ...BY_REGION, 'iceberg.readers': 'duckdb,spark,trino' }, move),
  ];
}

async function exhibit(
  t: TestContext,
  { name, shows }: { name: string; shows: string },
  config: Readonly<Record<string, string>>,
  live: (writer: Writer) => Promise<void>,
): Promise<Exhibit> {
  const lake = await testLake(t, {
    'iceberg.snapshots.max-age-ms': '1',
    'iceberg.snapshots.min-to-keep': '1',
    ...config,
  });
  const rows = new Map<string, Row>();
  const writer = await Writer.open(lake, rows);
  await live(writer);
  await writer.close();
  const catalog = await lake.catalog();
  const loaded = await catalog.load({ namespace: ['shop_public'], name: 't' });
  await catalog.close();
  const columns = currentSchema(loaded.metadata).fields;
  const expected = (keep: (row: Row) => boolean) =>
    canonicalRows(typesOf(columns), [...rows.values()].filter(keep));
  const questions = [
    { where: '', expected: expected(() => true) },
    { where: "region = 'north'", expected: expected(([, region]) => region === 'north') },
    { where: "id = '7'", expected: expected(([id]) => id === '7') },
  ];
  return { name, shows, loaded, columns, appendOnly: false, questions };
}

/** A sink, and the rows that it has been given. */
class Writer {
  readonly #sink: ReturnType<TestLake['sink']>;
  readonly #rows: Map<string, Row>;
  #position = 0;

  private constructor(lake: TestLake, rows: Map<string, Row>) {
    this.#sink = lake.sink();
    this.#rows = rows;
  }

  static async open(lake: TestLake, rows: Map<string, Row>): Promise<Writer> {
    const writer = new Writer(lake, rows);
    await writer.#sink.open(never);
    return writer;
  }

  /** One commit that sets rows, and deletes those whose ids are given. */
  async commit(set: readonly Row[], gone: readonly string[] = []): Promise<void> {
    const changes: TestChange[] = set.map((row) => ({ op: this.#rows.has(row[0]) ? 'u' : 'c', after: row }));
    for (const row of set) this.#rows.set(row[0], row);
    for (const id of gone) if (this.#rows.delete(id)) changes.push({ op: 'd', before: [id, null, null] });
    await this.#write(changes, () => []);
  }

  /** One commit that replaces everything. */
  async replace(rows: readonly Row[]): Promise<void> {
    this.#rows.clear();
    for (const row of rows) this.#rows.set(row[0], row);
    await this.#write(
      rows.map((after) => ({ op: 'r', after })),
      () => [
        { row: 0, table: TABLE, kind: 'snapshot-start', replace: true },
        { row: rows.length, table: TABLE, kind: 'snapshot-end', replace: true },
      ],
    );
  }

  async close(): Promise<void> {
    await this.#sink.close();
  }

  async #write(changes: readonly TestChange[], marks: () => TableMark[]): Promise<void> {
    const batch = changeBatch(TABLE, changes, ++this.#position);
    await this.#sink.write({ ...batch, tableMarks: marks() });
    await this.#sink.commit(batch.offset!, never);
  }
}

const TABLE = textTable(COLUMNS, ['id']);

const row = (id: number, region: number, v: string): Row => [String(id), REGIONS[region % 4], v];

async function replace(writer: Writer): Promise<void> {
  await writer.commit([row(1, 0, 'old'), row(2, 1, 'old'), row(9, 0, 'old')]);
  await writer.commit([row(1, 1, 'newer')], ['2']);
  await writer.replace([row(1, 2, 'new'), row(7, 0, 'new'), row(8, 0, 'new')]);
  await writer.commit([row(7, 1, 'moved'), row(2, 0, 'back')], ['8']);
}

async function age(writer: Writer): Promise<void> {
  for (let n = 0; n < COMMITS; n++) {
    const moved = row(n % 30, n, `commit ${n}`);
    await writer.commit([moved, row(100 + n, n, 'own')], [String(100 + n - 40)]);
  }
}

async function move(writer: Writer): Promise<void> {
  await writer.commit([row(1, 0, 'a'), row(2, 0, 'b'), row(3, 1, 'c'), ['7', null, 'd'], ['8', null, 'e']]);
  await writer.commit([row(1, 1, 'moved'), ['3', null, 'to nowhere'], row(7, 0, 'from nowhere')], ['2', '8']);
}
