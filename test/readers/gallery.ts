import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { LoadedTable } from '../../src/iceberg/catalog/catalog.ts';
import { openCatalog } from '../../src/iceberg/catalog/open.ts';
import { currentSchema } from '../../src/iceberg/metadata.ts';
import type { IcebergType, NestedField } from '../../src/iceberg/schema.ts';
import type { TableUpdate } from '../../src/iceberg/update.ts';
import { catalogProperties } from '../harness/lake.ts';
import { CONNECTOR, Rig } from '../harness/rig.ts';
import { until } from '../harness/until.ts';
import { canonicalRows, selectValue } from './canonical.ts';
import { POSTGRES } from './dialects.ts';
import type { SourceTable } from './tables.ts';

/** A lake table and what every reader has to find in it. */
export interface Exhibit {
  readonly name: string;
  readonly shows: string;
  readonly loaded: LoadedTable;
  readonly columns: readonly NestedField[];
  readonly appendOnly: boolean;
  /** The first asks for all rows. */
  readonly questions: readonly Question[];
}

export interface Question {
  /** A WHERE clause, or '' for all rows. */
  readonly where: string;
  /** As `canonicalRows` prints them. */
  readonly expected: readonly string[];
}

/**
 * Runs the service on a database with all these tables, each step in a commit of its own, and returns what came of it.
 * What the lake must hold is asked of PostgreSQL.
 */
export async function buildGallery(t: TestContext, tables: readonly SourceTable[]): Promise<Exhibit[]> {
  const rig = await Rig.create(t, { config: { 'hstore.handling.mode': 'map', ...partitionConfig(tables) } });
  await rig.sql(
    'CREATE EXTENSION hstore; CREATE SCHEMA expected; CREATE TABLE beacon (id int PRIMARY KEY, n int)',
  );
  await rig.sql('INSERT INTO beacon VALUES (1, 0)');
  for (const table of tables) await rig.sql(table.create);
  await rig.start();
  await rig.streaming();
  const commit = async (sql: string) => {
    await rig.sql(sql);
    await rig.caughtUp('UPDATE beacon SET n = n + 1');
  };
  await commit('SELECT 1');
  const steps = Math.max(...tables.map((table) => table.steps?.length ?? 0));
  for (let step = 0; step < steps; step++) {
    if (step === 2) for (const table of tables) await repartition(rig, table);
    await commit(tables.map((table) => table.steps?.[step] ?? '').join(';\n'));
  }
  await settled(rig, tables);
  await rig.service.stop();
  return exhibits(rig, tables);
}

/** A changed column type makes the service read the table again in the background (P-3): waits until that is over. */
async function settled(rig: Rig, tables: readonly SourceTable[]): Promise<void> {
  await until('no table is stale', async () => {
    await rig.sql('UPDATE beacon SET n = n + 1');
    const details = await rig.service.tables(CONNECTOR);
    const states = tables.map(({ name }) => details.get(`public.${name}`)!);
    for (const { table, state, reason } of states)
      assert.notEqual(state, 'needs-resnapshot', `${table}: ${reason}`);
    return states.every(({ state }) => state === 'ok');
  });
  await rig.caughtUp('UPDATE beacon SET n = n + 1');
}

function partitionConfig(tables: readonly SourceTable[]): Record<string, string> {
  const partitioned = tables.filter((table) => table.partitionBy !== undefined);
  return Object.fromEntries(
    partitioned.map((table) => [`iceberg.table.public.${table.name}.partition-by`, table.partitionBy!]),
  );
}

/** What another writer, or a user by SQL, does to a table: new files go by another partition spec. */
async function repartition(rig: Rig, table: SourceTable): Promise<void> {
  if (table.repartition === undefined) return;
  const catalog = await openCatalog('iceberg', catalogProperties(rig.config));
  try {
    const ident = { namespace: [rig.namespace], name: table.name };
    const { metadata } = await catalog.load(ident);
    const { fields } = currentSchema(metadata);
    const spec = table.repartition.map(({ column, transform }, i) => ({
      'source-id': fields.find((field) => field.name === column)!.id,
      'field-id': (metadata['last-partition-id'] ?? 999) + 1 + i,
      name: `${column}_evolved`,
      transform,
    }));
    const updates: TableUpdate[] = [
      { action: 'add-spec', spec: { 'spec-id': -1, fields: spec } },
      { action: 'set-default-spec', 'spec-id': -1 },
    ];
    const requirements = [{ type: 'assert-table-uuid', uuid: metadata['table-uuid'] }] as const;
    await catalog.commit([{ ident, requirements, updates }]);
  } finally {
    await catalog.close();
  }
}

async function exhibits(rig: Rig, tables: readonly SourceTable[]): Promise<Exhibit[]> {
  const catalog = await openCatalog('iceberg', catalogProperties(rig.config));
  const found: Exhibit[] = [];
  for (const table of tables) {
    if (table.expected !== undefined) await rig.sql(table.expected);
    const source = `${table.expected === undefined ? 'public' : 'expected'}.${table.name}`;
    const loaded = await catalog.load({ namespace: [rig.namespace], name: table.name });
    const columns = currentSchema(loaded.metadata).fields.filter(({ name }) => !table.omit?.includes(name));
    const questions: Question[] = [];
    for (const where of ['', ...(table.filters ?? [])]) {
      questions.push({ where, expected: await expectedRows(rig, source, columns, where) });
    }
    const { name, shows, appendOnly = false } = table;
    found.push({ name, shows, loaded, columns, appendOnly, questions });
  }
  await catalog.close();
  return found;
}

async function expectedRows(
  rig: Rig,
  source: string,
  columns: readonly NestedField[],
  where: string,
): Promise<string[]> {
  const select = columns.map(({ type, name }) => selectValue(POSTGRES, type, POSTGRES.quote(name)));
  const text = `SELECT ${select.join(', ')} FROM ${source} ${where === '' ? '' : `WHERE ${where}`}`;
  const { rows } = await rig.client.query({ text, rowMode: 'array' });
  return canonicalRows(typesOf(columns), rows);
}

export function typesOf(columns: readonly NestedField[]): IcebergType[] {
  return columns.map((column) => column.type);
}
