import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { LoadedTable } from '../../src/iceberg/catalog/catalog.ts';
import { readManifestList } from '../../src/iceberg/manifest-list.ts';
import { branchHead } from '../../src/iceberg/metadata.ts';
import { planScan, type ScanTask } from '../../src/iceberg/scan.ts';
import { prepareSnapshot } from '../../src/iceberg/snapshot.ts';
import { hasCode } from '../contract/catalog.ts';
import {
  BY_REGION,
  collect,
  commitChange,
  createTable,
  fileEntry,
  openLake,
  SCHEMA,
  UNPARTITIONED,
} from './lake.ts';

const data = (records = 10) => fileEntry('data', { records });
const deletes = (records = 2) => fileEntry('equality-deletes', { records });

test('the operation is what a row delta calls it, and the totals go on from the parent', async () => {
  await using lake = await openLake();
  let table = await createTable(lake.catalog, 't');
  ({ table } = await commitChange(lake.catalog, table, { dataFiles: [data()], summary: { 'cdc.to': '1' } }));
  assert.deepEqual(head(table).summary, {
    operation: 'append',
    'cdc.to': '1',
    'added-data-files': '1',
    'added-records': '10',
    'added-files-size': '1000',
    'changed-partition-count': '1',
    'total-records': '10',
    'total-files-size': '1000',
    'total-data-files': '1',
    'total-delete-files': '0',
    'total-position-deletes': '0',
    'total-equality-deletes': '0',
    'manifests-created': '1',
    'manifests-kept': '0',
    'manifests-replaced': '0',
    'entries-processed': '0',
  });
  ({ table } = await commitChange(lake.catalog, table, { deleteFiles: [deletes()] }));
  assert.equal(head(table).summary['operation'], 'delete');
  ({ table } = await commitChange(lake.catalog, table, {
    dataFiles: [data(), data()],
    deleteFiles: [deletes()],
  }));
  const { summary } = head(table);
  assert.equal(summary['operation'], 'overwrite');
  assert.equal(summary['total-records'], '30');
  assert.equal(summary['total-data-files'], '3');
  assert.equal(summary['total-delete-files'], '2');
  assert.equal(summary['total-equality-deletes'], '4');
  assert.equal(summary['added-equality-delete-files'], '1');
  assert.equal(summary['total-files-size'], '5000');
  ({ table } = await commitChange(lake.catalog, table, { summary: { idle: 'yes' } }));
  assert.equal(head(table).summary['operation'], 'append');
  assert.equal(head(table).summary['total-records'], '30');
});

test('a total that the parent lacks is left out', async () => {
  await using lake = await openLake();
  let table = await createTable(lake.catalog, 't');
  ({ table } = await commitChange(lake.catalog, table, { dataFiles: [data()] }));
  const { 'total-records': _gone, ...summary } = head(table).summary;
  const crippled = { ...head(table), summary: { ...summary, 'total-data-files': 'many' } };
  const metadata = { ...table.metadata, snapshots: [crippled] };
  const prepared = await prepareSnapshot(table, { dataFiles: [data()], deleteFiles: [], summary: {} });
  const { updates } = await prepared.attempt({ ...table, metadata });
  const added = updates.find((update) => update.action === 'add-snapshot')!.snapshot;
  assert.equal(added.summary['total-records'], undefined);
  assert.equal(added.summary['total-data-files'], undefined);
  assert.equal(added.summary['total-files-size'], '2000');
});

test('nothing is visible before the commit; after a conflict the same manifests are committed again', async () => {
  await using lake = await openLake();
  const other = await lake.reopen();
  const table = await createTable(lake.catalog, 't');
  const prepared = await prepareSnapshot(table, {
    dataFiles: [data()],
    deleteFiles: [deletes()],
    summary: {},
  });
  const manifests = prepared.writtenPaths;
  assert.equal(manifests.length, 2);
  const first = await prepared.attempt(table);
  assert.equal((await other.load(table.ident)).metadata['current-snapshot-id'] ?? null, null);
  const { table: raced } = await commitChange(other, table, { dataFiles: [data()] });
  await assert.rejects(lake.catalog.commit([first]), hasCode('iceberg.commit-conflict'));
  const reloaded = await lake.catalog.load(table.ident);
  assert.equal(reloaded.metadataLocation, raced.metadataLocation);
  const [committed] = await lake.catalog.commit([await prepared.attempt(reloaded)]);
  await prepared.settle(committed);
  const snapshot = head(committed);
  assert.equal(snapshot['snapshot-id'], prepared.snapshotId);
  assert.equal(snapshot['sequence-number'], 2n);
  assert.equal(snapshot['parent-snapshot-id'], head(raced)['snapshot-id']);
  const list = await manifestsOf(committed);
  assert.deepEqual(
    list
      .filter((manifest) => manifest.addedSnapshotId === prepared.snapshotId)
      .map((manifest) => manifest.path),
    manifests,
  );
  // The first attempt's list is gone, the committed one is there.
  const lists = readdirSync(metadataFolder(table)).filter((name) =>
    name.startsWith(`snap-${prepared.snapshotId}`),
  );
  assert.deepEqual(lists.length, 1);
  // L-2: the delete reaches the file of the earlier commit, not the one of its own.
  const plan = await planOf(committed);
  assert.deepEqual(
    plan.map((task) => [task.file.dataSequenceNumber, task.deletes.length]),
    [
      [2n, 0],
      [1n, 1],
    ],
  );
});

test('an abandoned preparation leaves no file behind', async () => {
  await using lake = await openLake();
  let table = await createTable(lake.catalog, 't');
  ({ table } = await commitChange(lake.catalog, table, { dataFiles: [data()] }));
  const before = readdirSync(metadataFolder(table)).sort();
  const prepared = await prepareSnapshot(table, {
    dataFiles: [data()],
    deleteFiles: [deletes()],
    summary: {},
  });
  await prepared.attempt(table);
  await prepared.attempt(table);
  assert.equal(readdirSync(metadataFolder(table)).length, before.length + 4);
  await prepared.cleanUp();
  assert.deepEqual(readdirSync(metadataFolder(table)).sort(), before);
});

test('O-5 a table that was dropped and made again stops the commit with its own error', async () => {
  await using lake = await openLake();
  const table = await createTable(lake.catalog, 't');
  const prepared = await prepareSnapshot(table, { dataFiles: [data()], deleteFiles: [], summary: {} });
  await lake.catalog.drop(table.ident);
  const again = await createTable(lake.catalog, 't');
  await assert.rejects(prepared.attempt(again), hasCode('iceberg.table-replaced'));
});

test('files written for a schema that another has replaced are not committed', async () => {
  await using lake = await openLake();
  const table = await createTable(lake.catalog, 't');
  const prepared = await prepareSnapshot(table, {
    dataFiles: [data()],
    deleteFiles: [],
    summary: {},
    extraRequirements: [{ type: 'assert-current-schema-id', 'current-schema-id': 0 }],
  });
  const schema = { ...SCHEMA, fields: SCHEMA.fields.slice(0, 2) };
  const [changed] = await lake.catalog.commit([
    {
      ident: table.ident,
      requirements: [],
      updates: [
        { action: 'add-schema', schema },
        { action: 'set-current-schema', 'schema-id': -1 },
      ],
    },
  ]);
  await assert.rejects(prepared.attempt(changed), hasCode('iceberg.commit-conflict'));
});

test('a schema evolves, properties are set and rows are added in one commit', async () => {
  await using lake = await openLake();
  const table = await createTable(lake.catalog, 't');
  const schema = {
    ...SCHEMA,
    fields: [...SCHEMA.fields, { id: 4, name: 'new', required: false, type: 'int' as const }],
  };
  const { table: after } = await commitChange(lake.catalog, table, {
    dataFiles: [data()],
    properties: { 'cdc.offsets': '7' },
    extraUpdates: [
      { action: 'add-schema', schema, 'last-column-id': 4 },
      { action: 'set-current-schema', 'schema-id': -1 },
    ],
  });
  assert.equal(after.metadata['current-schema-id'], 1);
  assert.equal(after.metadata['last-column-id'], 4);
  assert.equal(after.metadata.properties?.['cdc.offsets'], '7');
  assert.equal(head(after)['schema-id'], 1);
});

test('L-6 L-7 replacing all files removes data and deletes of every spec, and counts them', async () => {
  await using lake = await openLake();
  let table = await createTable(lake.catalog, 't', { specs: [UNPARTITIONED, BY_REGION] });
  for (const region of ['eu', null, 'us']) {
    const dataFiles = [fileEntry('data', { specId: 1, partition: [region] })];
    ({ table } = await commitChange(lake.catalog, table, { dataFiles, deleteFiles: [deletes()] }));
  }
  ({ table } = await commitChange(lake.catalog, table, {
    replaceAll: true,
    dataFiles: [fileEntry('data', { specId: 1, partition: ['eu'], records: 4 })],
  }));
  const { summary } = head(table);
  assert.equal(summary['operation'], 'overwrite');
  assert.equal(summary['deleted-data-files'], '3');
  assert.equal(summary['deleted-records'], '30');
  assert.equal(summary['removed-equality-delete-files'], '3');
  assert.equal(summary['total-records'], '4');
  assert.equal(summary['total-delete-files'], '0');
  assert.equal(summary['total-files-size'], '1000');
  assert.equal((await planOf(table)).length, 1);
  ({ table } = await commitChange(lake.catalog, table, { replaceAll: true }));
  assert.equal(head(table).summary['operation'], 'delete');
  assert.equal(head(table).summary['total-records'], '0');
  assert.deepEqual(await planOf(table), []);
  ({ table } = await commitChange(lake.catalog, table, { replaceAll: true, dataFiles: [data()] }));
  assert.equal(head(table).summary['operation'], 'append', 'of an empty table nothing is removed');
});

test('a replacement that lost a race removes what the winner added, too', async () => {
  await using lake = await openLake();
  let table = await createTable(lake.catalog, 't');
  ({ table } = await commitChange(lake.catalog, table, { dataFiles: [data()] }));
  const replacing = await prepareSnapshot(table, {
    replaceAll: true,
    dataFiles: [data()],
    deleteFiles: [],
    summary: {},
  });
  await replacing.attempt(table);
  ({ table } = await commitChange(lake.catalog, table, { dataFiles: [data()] }));
  const [committed] = await lake.catalog.commit([await replacing.attempt(table)]);
  assert.equal(head(committed).summary['deleted-data-files'], '2');
  assert.equal((await planOf(committed)).length, 1);
});

test('delete files that reach no data file any more are dropped', async () => {
  await using lake = await openLake();
  let table = await createTable(lake.catalog, 't');
  for (let i = 0; i < 3; i++) {
    ({ table } = await commitChange(lake.catalog, table, { dataFiles: [data()], deleteFiles: [deletes()] }));
  }
  assert.equal(head(table).summary['total-delete-files'], '3');
  // A foreign compaction: the data files give way to one with the sequence number of the snapshot it read.
  table = await replaceDataFiles(lake, table);
  ({ table } = await commitChange(lake.catalog, table, { dataFiles: [data()] }));
  const { summary } = head(table);
  assert.equal(summary['removed-delete-files'], '3');
  assert.equal(summary['total-delete-files'], '0');
  assert.equal(summary['operation'], 'overwrite');
});

test('a commit to another branch leaves main alone', async () => {
  await using lake = await openLake();
  let table = await createTable(lake.catalog, 't');
  ({ table } = await commitChange(lake.catalog, table, { dataFiles: [data()] }));
  const main = head(table)['snapshot-id'];
  const prepared = await prepareSnapshot(table, {
    dataFiles: [data()],
    deleteFiles: [],
    summary: {},
    branch: 'audit',
  });
  const [committed] = await lake.catalog.commit([await prepared.attempt(table)]);
  assert.equal(committed.metadata['current-snapshot-id'], main);
  assert.equal(committed.metadata.refs?.['audit']['snapshot-id'], prepared.snapshotId);
  // The branch is new: it begins where main stands.
  assert.equal((await planOf(committed, 'audit')).length, 2);
  const again = await prepareSnapshot(committed, {
    dataFiles: [data()],
    deleteFiles: [],
    summary: {},
    branch: 'audit',
  });
  const [second] = await lake.catalog.commit([await again.attempt(committed)]);
  assert.equal((await planOf(second, 'audit')).length, 3);
  assert.equal((await planOf(second)).length, 1);
});

test('L-13 tables of versions 1 and 3 are refused', async () => {
  await using lake = await openLake();
  const table = await createTable(lake.catalog, 't');
  for (const version of [1, 3]) {
    const metadata = { ...table.metadata, 'format-version': version };
    await assert.rejects(
      prepareSnapshot({ ...table, metadata }, { dataFiles: [data()], deleteFiles: [], summary: {} }),
      hasCode('iceberg.unsupported-table'),
    );
  }
});

test('O-4 two tables commit together or not at all', async () => {
  await using lake = await openLake();
  const tables = [await createTable(lake.catalog, 'a'), await createTable(lake.catalog, 'b')];
  const prepared = await Promise.all(
    tables.map((table) => prepareSnapshot(table, { dataFiles: [data()], deleteFiles: [], summary: {} })),
  );
  const group = await Promise.all(prepared.map((each, i) => each.attempt(tables[i])));
  const { table: raced } = await commitChange(await lake.reopen(), tables[1], { dataFiles: [data()] });
  await assert.rejects(lake.catalog.commit(group), hasCode('iceberg.commit-conflict'));
  assert.equal((await lake.catalog.load(tables[0].ident)).metadataLocation, tables[0].metadataLocation);
  // The metadata file that was written for the first table is gone again.
  assert.equal(metadataFiles(tables[0]).length, 1);
  const retried = [await prepared[0].attempt(tables[0]), await prepared[1].attempt(raced)];
  const committed = await lake.catalog.commit(retried);
  assert.deepEqual(
    committed.map((table) => head(table)['snapshot-id']),
    prepared.map((each) => each.snapshotId),
  );
});

test('O-6 two committers that race each get all their commits in, once', async () => {
  await using lake = await openLake();
  const table = await createTable(lake.catalog, 't');
  const clients = [lake.catalog, await lake.reopen()];
  let conflicts = 0;
  const commitMany = async (catalog: (typeof clients)[number]) => {
    for (let i = 0; i < 15; i++) {
      let now = await catalog.load(table.ident);
      const prepared = await prepareSnapshot(now, { dataFiles: [data(1)], deleteFiles: [], summary: {} });
      for (;;) {
        try {
          const [committed] = await catalog.commit([await prepared.attempt(now)]);
          await prepared.settle(committed);
          break;
        } catch (error) {
          hasCode('iceberg.commit-conflict')(error);
          conflicts++;
          now = await catalog.load(table.ident);
        }
      }
    }
  };
  await Promise.all(clients.map(commitMany));
  const after = await lake.catalog.load(table.ident);
  assert.ok(conflicts > 0, 'the two did not race');
  assert.equal(head(after).summary['total-records'], '30');
  assert.equal(after.metadata['last-sequence-number'], 30n);
  assert.equal((await planOf(after)).length, 30);
  assert.ok(existsSync(metadataFolder(table)));
});

function head(table: LoadedTable) {
  return branchHead(table.metadata)!;
}

async function manifestsOf(table: LoadedTable) {
  const path = head(table)['manifest-list'];
  return readManifestList(await table.storage.read(path), path);
}

function planOf(table: LoadedTable, branch = 'main'): Promise<ScanTask[]> {
  return collect(planScan(table, { snapshot: branchHead(table.metadata, branch) }));
}

function metadataFolder(table: LoadedTable): string {
  return join(table.metadata.location, 'metadata');
}

function metadataFiles(table: LoadedTable): string[] {
  return readdirSync(metadataFolder(table)).filter((name) => name.endsWith('.metadata.json'));
}

/** As a compaction does it: the manifests of data give way to one of a single file, deletes stay. */
async function replaceDataFiles(
  lake: Awaited<ReturnType<typeof openLake>>,
  table: LoadedTable,
): Promise<LoadedTable> {
  const { ManifestStore } = await import('../../src/iceberg/manifest-store.ts');
  const { printManifestList } = await import('../../src/iceberg/manifest-list.ts');
  const parent = head(table);
  const store = new ManifestStore(4711n);
  const sequenceNumber = parent['sequence-number'] + 1n;
  const [{ manifest }] = await store.writeAdded(table.storage, table.metadata, [data(30)]);
  const numbered = { ...manifest, sequenceNumber, minSequenceNumber: sequenceNumber };
  const deleteManifests = (await manifestsOf(table)).filter((each) => each.content === 'deletes');
  const snapshot = {
    'snapshot-id': 4711n,
    'parent-snapshot-id': parent['snapshot-id'],
    'sequence-number': sequenceNumber,
    'timestamp-ms': BigInt(Date.now()),
    'manifest-list': store.listPath(table.metadata),
    summary: { ...parent.summary, operation: 'replace' },
  };
  await table.storage.write(
    snapshot['manifest-list'],
    printManifestList(snapshot, [numbered, ...deleteManifests]),
  );
  const [committed] = await lake.catalog.commit([
    {
      ident: table.ident,
      requirements: [],
      updates: [
        { action: 'add-snapshot', snapshot },
        { action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': 4711n },
      ],
    },
  ]);
  return committed;
}
