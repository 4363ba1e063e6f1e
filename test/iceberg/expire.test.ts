import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { LoadedTable } from '../../src/iceberg/catalog/catalog.ts';
import { dataPath } from '../../src/iceberg/create.ts';
import { type ExpireOptions, expireSnapshots } from '../../src/iceberg/expire.ts';
import type { DataFile } from '../../src/iceberg/file.ts';
import {
  branchHead,
  type Snapshot,
  type SnapshotRef,
  type TableMetadata,
} from '../../src/iceberg/metadata.ts';
import { planScan } from '../../src/iceberg/scan.ts';
import type { SnapshotChange } from '../../src/iceberg/snapshot.ts';
import { collect, commitChange, createTable, fileEntry, openLake } from './lake.ts';

const HOUR = 3_600_000;
const NOW = 1_000 * HOUR;

/** Main has the snapshots 1 to 10, one an hour, the last one just now. */
function history(
  changes: {
    refs?: Record<string, SnapshotRef>;
    properties?: Record<string, string>;
    extra?: Snapshot[];
  } = {},
): TableMetadata {
  const snapshots = Array.from({ length: 10 }, (_, i) => snapshotAt(i + 1, i === 0 ? null : i));
  return {
    properties: changes.properties,
    snapshots: [...snapshots, ...(changes.extra ?? [])],
    refs: { main: { 'snapshot-id': 10n, type: 'branch' }, ...changes.refs },
  } as unknown as TableMetadata;
}

function snapshotAt(id: number, parent: number | null, ageHours = 10 - id): Snapshot {
  return {
    'snapshot-id': BigInt(id),
    'parent-snapshot-id': parent === null ? null : BigInt(parent),
    'sequence-number': BigInt(id),
    'timestamp-ms': BigInt(NOW - ageHours * HOUR),
    'manifest-list': `list-${id}`,
    summary: {},
  };
}

function expired(metadata: TableMetadata, options: ExpireOptions): number[] {
  const expiry = expireSnapshots(metadata, { nowMs: NOW, ...options });
  const removal = expiry.updates.find((update) => update.action === 'remove-snapshots');
  const ids = expiry.expired.map((snapshot) => snapshot['snapshot-id']);
  assert.deepEqual(removal?.['snapshot-ids'] ?? [], ids);
  return ids.map(Number);
}

test('snapshots past their age go, but never fewer than asked for stay', () => {
  assert.deepEqual(expired(history(), { maxAgeMs: 6.5 * HOUR }), [1, 2, 3]);
  assert.deepEqual(expired(history(), { maxAgeMs: 0, minToKeep: 3 }), [1, 2, 3, 4, 5, 6, 7]);
  assert.deepEqual(expired(history(), { maxAgeMs: -1 }), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assert.deepEqual(expired(history(), {}), [], 'five days is the default');
  const properties = { 'history.expire.max-snapshot-age-ms': String(8.5 * HOUR) };
  assert.deepEqual(expired(history({ properties }), {}), [1]);
});

test('L-11 by count the oldest go however young they are, a bounded number at a time', () => {
  assert.deepEqual(expired(history(), { maxToKeep: 4 }), [1, 2, 3, 4, 5, 6]);
  assert.deepEqual(expired(history(), { maxToKeep: 4, maxPerCommit: 2 }), [1, 2]);
  assert.deepEqual(expired(history(), { maxToKeep: 4, minPerCommit: 7 }), []);
  assert.deepEqual(expired(history(), { maxToKeep: 1, minToKeep: 8 }), [1, 2]);
});

test('O-7 a snapshot that is to be kept stays', () => {
  const keep = (snapshot: Snapshot) => snapshot['snapshot-id'] === 2n;
  assert.deepEqual(expired(history(), { maxToKeep: 7, keep }), [1, 3]);
});

test('tags and branches keep their snapshots, by their own limits', () => {
  const refs: Record<string, SnapshotRef> = {
    audit: { 'snapshot-id': 2n, type: 'tag' },
    dev: { 'snapshot-id': 5n, type: 'branch', 'min-snapshots-to-keep': 2, 'max-snapshot-age-ms': 1n },
  };
  assert.deepEqual(expired(history({ refs }), { maxToKeep: 3 }), [1, 3, 6, 7]);
});

test('references past their age go with their snapshots; main never does', () => {
  const refs: Record<string, SnapshotRef> = {
    main: { 'snapshot-id': 10n, type: 'branch', 'max-ref-age-ms': 0n },
    old: { 'snapshot-id': 2n, type: 'tag', 'max-ref-age-ms': BigInt(HOUR) },
  };
  const { updates, expired: gone } = expireSnapshots(history({ refs }), { nowMs: NOW, maxToKeep: 8 });
  assert.deepEqual(updates[0], { action: 'remove-snapshot-ref', 'ref-name': 'old' });
  assert.deepEqual(
    gone.map((snapshot) => snapshot['snapshot-id']),
    [1n, 2n],
  );
});

test('what a rollback left behind stays while it is young', () => {
  const extra = [snapshotAt(20, 3, 2), snapshotAt(21, 3, 50)];
  assert.deepEqual(expired(history({ extra }), { maxAgeMs: 20 * HOUR }), [21]);
});

test('nothing of a table with gc.enabled=false goes', () => {
  assert.deepEqual(expired(history({ properties: { 'gc.enabled': 'false' } }), { maxAgeMs: -1 }), []);
});

/** A table whose files exist, so that one sees which are left. */
async function realTable(name: string) {
  const lake = await openLake();
  let table = await createTable(lake.catalog, name);
  const files: DataFile[] = [];
  const addFile = async (content: 'data' | 'equality-deletes' = 'data') => {
    const file = fileEntry(content, { path: dataPath(table.metadata, `${files.length}.parquet`) });
    await table.storage.write(file.path, Buffer.from('x'));
    files.push(file);
    return file;
  };
  const commit = async (change: Partial<SnapshotChange>) => {
    ({ table } = await commitChange(lake.catalog, table, change));
    return table;
  };
  return { lake, files, addFile, commit, [Symbol.asyncDispose]: () => lake[Symbol.asyncDispose]() };
}

/** Every file that a remaining snapshot needs is there, and no other one of this table is. */
async function assertExactFiles(table: LoadedTable, files: readonly DataFile[]): Promise<void> {
  const needed = new Set<string>();
  for (const snapshot of table.metadata.snapshots ?? []) {
    needed.add(snapshot['manifest-list']);
    for (const content of ['data', 'deletes'] as const) {
      const { liveFiles } = await import('../../src/iceberg/scan.ts');
      for await (const live of liveFiles(table, content, { snapshot })) needed.add(live.file.path);
    }
    const { readManifestList } = await import('../../src/iceberg/manifest-list.ts');
    const list = readManifestList(await table.storage.read(snapshot['manifest-list']), '');
    for (const manifest of list) needed.add(manifest.path);
  }
  for (const path of needed) assert.ok(existsSync(path), `${path} is needed but gone`);
  const folder = join(table.metadata.location, 'metadata');
  for (const name of readdirSync(folder)) {
    if (name.endsWith('.avro')) assert.ok(needed.has(join(folder, name)), `${name} is left over`);
  }
  for (const file of files) assert.equal(existsSync(file.path), needed.has(file.path), file.path);
}

test('expired appends take their lists and merged manifests with them, never a data file', async () => {
  await using t = await realTable('appends');
  let table!: LoadedTable;
  for (let i = 0; i < 40; i++) {
    table = await t.commit({ dataFiles: [await t.addFile()], expire: { maxToKeep: 3 } });
  }
  assert.equal(table.metadata.snapshots?.length, 3);
  assert.equal((await collect(planScan(table))).length, 40);
  await assertExactFiles(table, t.files);
});

test('a replaced file goes when the last snapshot that has it goes', async () => {
  await using t = await realTable('replaced');
  await t.commit({ dataFiles: [await t.addFile()], deleteFiles: [] });
  await t.commit({ dataFiles: [await t.addFile()], deleteFiles: [await t.addFile('equality-deletes')] });
  let table = await t.commit({ replaceAll: true, dataFiles: [await t.addFile()] });
  await assertExactFiles(table, t.files);
  table = await t.commit({ dataFiles: [await t.addFile()], expire: { maxToKeep: 3 } });
  await assertExactFiles(table, t.files);
  assert.ok(existsSync(t.files[0].path), 'the second snapshot still has it');
  table = await t.commit({ dataFiles: [await t.addFile()], expire: { maxToKeep: 3 } });
  assert.ok(!existsSync(t.files[0].path));
  await assertExactFiles(table, t.files);
});

test('O-7 a kept snapshot amid expired ones keeps its files', async () => {
  await using t = await realTable('holes');
  await t.commit({ dataFiles: [await t.addFile()] });
  const kept = branchHead((await t.commit({ dataFiles: [await t.addFile()] })).metadata)!;
  const keep = (snapshot: Snapshot) => snapshot['snapshot-id'] === kept['snapshot-id'];
  await t.commit({ replaceAll: true, dataFiles: [await t.addFile()] });
  await t.commit({ replaceAll: true, dataFiles: [await t.addFile()] });
  let table = await t.commit({ dataFiles: [await t.addFile()], expire: { maxToKeep: 1, keep } });
  assert.equal(table.metadata.snapshots?.length, 2);
  await assertExactFiles(table, t.files);
  table = await t.commit({ dataFiles: [await t.addFile()], expire: { maxToKeep: 1, maxAgeMs: -1 } });
  assert.equal(table.metadata.snapshots?.length, 1);
  await assertExactFiles(table, t.files);
});

test('with a branch, files that the branch still has stay', async () => {
  await using t = await realTable('branched');
  let table = await t.commit({ dataFiles: [await t.addFile()] });
  table = await t.commit({ dataFiles: [await t.addFile()], branch: 'side' });
  await t.commit({ replaceAll: true, dataFiles: [await t.addFile()] });
  table = await t.commit({ dataFiles: [await t.addFile()], expire: { maxToKeep: 1 } });
  assert.equal(table.metadata.snapshots?.length, 2);
  await assertExactFiles(table, t.files);
  assert.equal((await collect(planScan(table, { snapshot: branchHead(table.metadata, 'side') }))).length, 2);
});
