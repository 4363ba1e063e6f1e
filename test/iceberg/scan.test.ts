import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LoadedTable } from '../../src/iceberg/catalog/catalog.ts';
import { DeleteIndex } from '../../src/iceberg/delete-index.ts';
import type { DataFile, LiveFile, PartitionValue } from '../../src/iceberg/file.ts';
import { pruneByKeyBounds } from '../../src/iceberg/key-range.ts';
import { ManifestCache } from '../../src/iceberg/manifest-cache.ts';
import { liveSpecIds, planScan } from '../../src/iceberg/scan.ts';
import type { Storage } from '../../src/iceberg/storage.ts';
import { encodeValue } from '../../src/iceberg/values.ts';
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

const BY_ID = {
  'spec-id': 2,
  fields: [{ 'source-id': 1, 'field-id': 1001, name: 'bucket', transform: 'bucket[4]' }],
};
const METADATA = {
  schemas: [SCHEMA],
  'current-schema-id': 0,
  'partition-specs': [UNPARTITIONED, BY_REGION, BY_ID],
} as unknown as LoadedTable['metadata'];

function live(file: DataFile, sequenceNumber: number): LiveFile {
  const spec = METADATA['partition-specs'][file.specId];
  const number = BigInt(sequenceNumber);
  return { file, spec, dataSequenceNumber: number, fileSequenceNumber: number, snapshotId: number };
}

function inRegion(content: 'data' | 'equality-deletes' | 'position-deletes', region: PartitionValue) {
  return fileEntry(content, { specId: 1, partition: [region] });
}

function applies(data: LiveFile, ...deletes: LiveFile[]): boolean[] {
  const index = new DeleteIndex(METADATA);
  for (const each of deletes) index.add(each);
  const found = index.find(data);
  return deletes.map((each) => found.includes(each));
}

test('L-2 an equality delete reaches only files of earlier commits', () => {
  const data = live(fileEntry('data'), 5);
  const at = (number: number) => live(fileEntry('equality-deletes'), number);
  assert.deepEqual(applies(data, at(4), at(5), at(6)), [false, false, true]);
});

test('a position delete reaches files of its own commit, too', () => {
  const data = live(fileEntry('data'), 5);
  const at = (number: number) => live(fileEntry('position-deletes'), number);
  assert.deepEqual(applies(data, at(4), at(5), at(6)), [false, true, true]);
});

test('L-3 deletes reach their own spec and partition, those under an unpartitioned spec all', () => {
  const eu = live(inRegion('data', 'eu'), 1);
  const none = live(inRegion('data', null), 1);
  const deletes = [
    live(inRegion('equality-deletes', 'eu'), 2),
    live(inRegion('equality-deletes', null), 2),
    live(inRegion('equality-deletes', ''), 2),
    live(fileEntry('equality-deletes'), 2),
    live(fileEntry('equality-deletes', { specId: 2, partition: [1] }), 2),
    live(inRegion('position-deletes', 'eu'), 2),
    // A position delete under the unpartitioned spec is for that spec's files only.
    live(fileEntry('position-deletes'), 2),
  ];
  assert.deepEqual(applies(eu, ...deletes), [true, false, false, true, false, true, false]);
  assert.deepEqual(applies(none, ...deletes), [false, true, false, true, false, false, false]);
});

test('a position delete for one file reaches that file alone', () => {
  const data = fileEntry('data');
  const named = { ...fileEntry('position-deletes'), referencedDataFile: data.path };
  const bounds = new Map([[2147483546, Buffer.from(`${data.path}x`)]]);
  const plain = fileEntry('position-deletes');
  const pruned = { ...plain, metrics: { ...plain.metrics, lowerBounds: bounds } };
  assert.deepEqual(applies(live(data, 1), live(named, 1), live(pruned, 1)), [true, false]);
  assert.deepEqual(applies(live(fileEntry('data'), 1), live(named, 1)), [false]);
});

test('deletes whose key bounds or nulls cannot meet the file are left out', () => {
  const data = live(fileEntry('data', { ids: [100, 200] }), 1);
  const keys = (low: number, high: number) => live(fileEntry('equality-deletes', { ids: [low, high] }), 2);
  assert.deepEqual(applies(data, keys(0, 99), keys(0, 100), keys(150, 160), keys(200, 300), keys(201, 300)), [
    false,
    true,
    true,
    true,
    false,
  ]);
  const unknown = fileEntry('equality-deletes');
  const noBounds = {
    ...unknown,
    metrics: { ...unknown.metrics, lowerBounds: new Map(), upperBounds: new Map() },
  };
  assert.deepEqual(applies(data, live(noBounds, 2)), [true]);
  const onlyNulls = { ...noBounds, metrics: { ...noBounds.metrics, nullValueCounts: new Map([[1, 10n]]) } };
  assert.deepEqual(applies(data, live(onlyNulls, 2)), [false], 'the file has no null');
});

test('bounds of a key that was int and is long now are compared as numbers', () => {
  const file = fileEntry('data');
  const narrow = {
    ...file.metrics,
    lowerBounds: new Map([[1, encodeValue('int', -5)]]),
    upperBounds: new Map([[1, encodeValue('int', 5)]]),
  };
  const data = live({ ...file, metrics: narrow }, 1);
  const keys = (low: number, high: number) => live(fileEntry('equality-deletes', { ids: [low, high] }), 2);
  assert.deepEqual(applies(data, keys(-9, -6), keys(-9, -5), keys(6, 9)), [false, true, false]);
});

test('P-6 only files that may hold one of the wanted keys are read', () => {
  const file = (low: number, high: number) => fileEntry('data', { ids: [low, high] });
  const accept = pruneByKeyBounds(METADATA, [1], [[7n], [100n], [5n]]);
  assert.deepEqual(
    [file(0, 4), file(0, 5), file(8, 99), file(99, 101), file(101, 200), file(6, 8)].map(accept),
    [false, true, false, true, false, true],
  );
  assert.equal(pruneByKeyBounds(METADATA, [1], [])(file(0, 9)), false);
  const composite = pruneByKeyBounds(METADATA, [1, 3], [[7n, 'eu']]);
  const base = file(0, 10);
  const regions = (low: string, high: string): DataFile => ({
    ...base,
    metrics: {
      ...base.metrics,
      lowerBounds: new Map([...base.metrics.lowerBounds, [3, encodeValue('string', low)]]),
      upperBounds: new Map([...base.metrics.upperBounds, [3, encodeValue('string', high)]]),
    },
  });
  assert.deepEqual([regions('as', 'fr'), regions('us', 'zz'), base].map(composite), [true, false, true]);
});

test('planning again on a grown table reads only what is new', async () => {
  await using lake = await openLake();
  let table = await createTable(lake.catalog, 't', { specs: [UNPARTITIONED, BY_REGION] });
  const add = async () => {
    const dataFiles = [fileEntry('data', { specId: 1, partition: ['eu'] })];
    ({ table } = await commitChange(lake.catalog, table, {
      dataFiles,
      deleteFiles: [fileEntry('equality-deletes')],
    }));
  };
  for (let i = 0; i < 10; i++) await add();
  const cache = new ManifestCache();
  const reads: string[] = [];
  const counting = (): LoadedTable => ({ ...table, storage: countingReads(table.storage, reads) });
  assert.equal((await collect(planScan(counting(), { cache }))).length, 10);
  assert.equal(reads.length, 21);
  await add();
  reads.length = 0;
  const plan = await collect(planScan(counting(), { cache }));
  assert.equal(reads.length, 3, 'a list and two manifests');
  assert.deepEqual(
    plan.map((task) => task.deletes.length).sort((a, b) => a - b),
    Array.from({ length: 11 }, (_, i) => i),
  );
  assert.deepEqual(await liveSpecIds(table, { cache }), new Set([1]));
});

test('the cache lets go of the oldest where its bound is reached', async () => {
  await using lake = await openLake();
  let table = await createTable(lake.catalog, 't');
  for (let i = 0; i < 5; i++)
    ({ table } = await commitChange(lake.catalog, table, { dataFiles: [fileEntry('data')] }));
  const cache = new ManifestCache(4_000);
  const reads: string[] = [];
  const counted = { ...table, storage: countingReads(table.storage, reads) };
  await collect(planScan(counted, { cache }));
  await collect(planScan(counted, { cache }));
  assert.ok(reads.length > 6, 'with 4 kB it cannot hold five manifests and a list');
});

function countingReads(storage: Storage, reads: string[]): Storage {
  return {
    create: (...args) => storage.create(...args),
    write: (...args) => storage.write(...args),
    read: (location, signal) => {
      reads.push(location);
      return storage.read(location, signal);
    },
    readRange: (...args) => storage.readRange(...args),
    size: (...args) => storage.size(...args),
    remove: (...args) => storage.remove(...args),
    close: () => storage.close(),
  };
}
