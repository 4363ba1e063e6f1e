import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { LoadedTable } from '../../src/iceberg/catalog/catalog.ts';
import { openCatalog } from '../../src/iceberg/catalog/open.ts';
import type { PartitionValue } from '../../src/iceberg/file.ts';
import { currentSchema } from '../../src/iceberg/metadata.ts';
import { partitionPath } from '../../src/iceberg/partition-path.ts';
import { planScan } from '../../src/iceberg/scan.ts';
import type { PartitionField, Schema } from '../../src/iceberg/schema.ts';
import { hasCode } from '../contract/catalog.ts';
import { installRestCatalog } from '../services/rest-catalog.ts';
import { commitChange, createTable, fileEntry, UNPARTITIONED } from './lake.ts';

// The reference implementation and ours on the same catalog file: what one writes, the other must plan alike.

const folder = mkdtempSync(join(tmpdir(), 'icestream-java-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const file = join(folder, 'catalog.db');
const warehouse = join(folder, 'warehouse');
const { java, classPath } = await installRestCatalog();
await runJava('write', file, warehouse);
const catalog = await openCatalog('lake', { type: 'jdbc', uri: `jdbc:sqlite:${file}`, warehouse });
after(() => catalog.close());

for (const name of ['deltas', 'every_type', 'upgraded']) {
  test(`the reference implementation's table ${name} is planned as it plans it`, async () => {
    await assertSamePlan(await catalog.load({ namespace: ['java'], name }));
  });

  test(`our commits on its table ${name}, with merged manifests, are planned alike by both`, async () => {
    let table = await catalog.load({ namespace: ['java'], name });
    const specId = table.metadata['default-spec-id'];
    const { fields } = table.metadata['partition-specs'].find((spec) => spec['spec-id'] === specId)!;
    const partition = fields.map(() => null);
    for (let i = 0; i < 5; i++) {
      const at = { specId, partition };
      const properties = { 'commit.manifest.min-count-to-merge': '2' };
      const dataFiles = [fileEntry('data', { ...at, ids: [i, i + 50] })];
      const deleteFiles = [fileEntry('equality-deletes', { ...at, ids: [i, i] })];
      ({ table } = await commitChange(catalog, table, { dataFiles, deleteFiles, properties }));
    }
    await assertSamePlan(table);
  });
}

const EVERY_TYPE: Schema = {
  type: 'struct',
  'schema-id': 0,
  fields: [
    { id: 1, name: 'id', required: true, type: 'long' },
    { id: 2, name: 'a date', required: false, type: 'date' },
    { id: 3, name: 'small', required: false, type: 'decimal(5, 2)' },
    { id: 4, name: 'wide', required: false, type: 'decimal(38, 10)' },
    { id: 5, name: '1text', required: false, type: 'string' },
    { id: 6, name: 'u', required: false, type: 'uuid' },
    { id: 7, name: 'at', required: false, type: 'timestamp' },
    { id: 8, name: 'flag', required: false, type: 'boolean' },
    // No fixed: release 1.11 of the reference implementation reads fixed partition values as if they were bytes.
    { id: 9, name: 'b', required: false, type: 'binary' },
    { id: 10, name: 'n', required: false, type: 'int' },
    { id: 11, name: 'tz', required: false, type: 'timestamptz' },
    { id: 12, name: 't', required: false, type: 'time' },
    { id: 13, name: 'd', required: false, type: 'double' },
  ],
};

test('our table with a partition column of every type is planned alike by both', async () => {
  const transforms = ['identity', 'bucket[4]', 'truncate[3]', 'month'];
  const fields: PartitionField[] = EVERY_TYPE.fields.slice(1).map((column, i) => ({
    'source-id': column.id,
    'field-id': 1000 + i,
    name: column.name,
    transform: 'identity',
  }));
  transforms.slice(1).forEach((transform, i) => {
    const source = transform === 'month' ? 7 : 5;
    fields.push({
      'source-id': source,
      'field-id': 1100 + i,
      name: transform.replace(/\W/g, '_'),
      transform,
    });
  });
  let table = await createTable(catalog, 'every_type', {
    schema: EVERY_TYPE,
    specs: [UNPARTITIONED, { 'spec-id': 1, fields }],
  });
  const text = Buffer.from('f79c3e09677c4bbda4793f349cb785e7', 'hex');
  const tuples: PartitionValue[][] = [
    fields.map(() => null),
    [
      -7272,
      -99999n,
      -(10n ** 37n),
      'ü/ =%',
      text,
      -1n,
      true,
      Buffer.from([0, 255, 1]),
      -1,
      0n,
      1n,
      -2.5,
      3,
      'ü/ ',
      -1,
    ],
    [0, 0n, 10n ** 37n, '', text, 10n ** 15n, false, Buffer.from([1, 2, 3]), 7, 1n, 0n, 1.5, 0, '', 650],
  ];
  for (const partition of tuples) {
    const at = { specId: 1, partition };
    ({ table } = await commitChange(catalog, table, { dataFiles: [fileEntry('data', at)] }));
    const deleteFiles = [fileEntry('equality-deletes', at), fileEntry('equality-deletes', { ids: [3, 4] })];
    ({ table } = await commitChange(catalog, table, { deleteFiles, dataFiles: [fileEntry('data', at)] }));
  }
  await assertSamePlan(table);
});

test('L-7 a table whose files were all removed, and dangling deletes, are planned alike by both', async () => {
  let table = await createTable(catalog, 'replaced');
  for (let i = 0; i < 3; i++) {
    const dataFiles = [fileEntry('data')];
    ({ table } = await commitChange(catalog, table, {
      dataFiles,
      deleteFiles: [fileEntry('equality-deletes')],
    }));
  }
  ({ table } = await commitChange(catalog, table, { replaceAll: true, dataFiles: [fileEntry('data')] }));
  assert.equal((await plan(table)).length, 1);
  await assertSamePlan(table);
});

test('both append to one table in turn', async () => {
  let table = await createTable(catalog, 'shared');
  ({ table } = await commitChange(catalog, table, { dataFiles: [fileEntry('data')] }));
  await runJava('append', file, warehouse, 'shop', 'shared');
  await assert.rejects(
    commitChange(catalog, table, { dataFiles: [fileEntry('data')] }),
    hasCode('iceberg.commit-conflict'),
  );
  table = await catalog.load(table.ident);
  ({ table } = await commitChange(catalog, table, { dataFiles: [fileEntry('data')] }));
  await runJava('append', file, warehouse, 'shop', 'shared');
  table = await catalog.load(table.ident);
  assert.equal((await plan(table)).length, 4);
  assert.equal(table.metadata.snapshots?.at(-1)?.summary['total-data-files'], '4');
  await assertSamePlan(table);
});

async function assertSamePlan(table: LoadedTable): Promise<void> {
  const output = await runJava('plan', table.metadataLocation);
  // The two print times with a zone differently in paths; which is all the same to readers.
  const comparable = (line: string) =>
    line.replace(/(?<=\/tz=)(.*?)(?:Z|%3A00%2B00%3A00|%2B00%3A00)(?=\/)/, '$1');
  const theirs = output.split('\n').filter((line) => line !== '');
  assert.deepEqual((await plan(table)).map(comparable), theirs.map(comparable).sort());
}

async function plan(table: LoadedTable): Promise<string[]> {
  const lines: string[] = [];
  for await (const { file: live, deletes } of planScan(table)) {
    const { file } = live;
    const line = [
      file.path,
      live.dataSequenceNumber,
      live.fileSequenceNumber,
      file.specId,
      partitionPath(currentSchema(table.metadata), live.spec, file.partition),
      file.recordCount,
      boundsText(file.metrics.lowerBounds),
      boundsText(file.metrics.upperBounds),
      deletes
        .map((each) => each.file.path)
        .sort()
        .join(','),
    ];
    lines.push(line.join('\t'));
  }
  return lines.sort();
}

function boundsText(bounds: ReadonlyMap<number, Uint8Array>): string {
  const sorted = [...bounds].sort(([a], [b]) => a - b);
  return sorted.map(([id, bytes]) => `${id}=${Buffer.from(bytes).toString('hex')}`).join(',');
}

async function runJava(...args: string[]): Promise<string> {
  const source = fileURLToPath(new URL('./java/Lake.java', import.meta.url));
  const options = [
    '-XX:TieredStopAtLevel=1',
    '-Dorg.slf4j.simpleLogger.defaultLogLevel=error',
    '-cp',
    classPath,
  ];
  const { stdout } = await promisify(execFile)(java, [...options, source, ...args]);
  return stdout;
}
