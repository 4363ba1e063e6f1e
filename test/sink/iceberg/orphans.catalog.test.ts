import assert from 'node:assert/strict';
import { access, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { CommitIntents } from '../../../src/sink/iceberg/intent.ts';
import { readLake, testLake } from './lake.ts';
import { changeBatch, textTable } from './rows.ts';

const table = textTable(['id', 'a', 'b'], ['id']);
const never = new AbortController().signal;

test('O-3 files of a commit that was cut off go once a later commit has made sure that it never happened', async (t) => {
  const lake = await testLake(t);
  const first = lake.sink();
  await first.open(never);
  await first.write(changeBatch(table, [{ op: 'c', after: ['1', 'a', 'b'] }], 1));
  await first.commit(changeBatch(table, [], 1).offset!, never);
  await first.close();

  const catalog = await lake.catalog();
  const { metadata, ident } = await catalog.load({ namespace: ['shop_public'], name: 't' });
  await catalog.close();
  const orphan = join(lake.folder, 'orphan.parquet');
  await writeFile(orphan, 'nothing');
  const intents = new CommitIntents(join(lake.folder, 'state', 'intents'));
  const entry = { table: ident, uuid: metadata['table-uuid'], files: [orphan] };
  await intents.write('never-happened', [{ ...entry, snapshotId: 42n }]);

  const second = lake.sink();
  await second.open(never);
  await access(orphan);
  await second.write(changeBatch(table, [{ op: 'c', after: ['2', 'a', 'b'] }], 2));
  await second.commit(changeBatch(table, [], 2).offset!, never);
  await second.close();
  await assert.rejects(access(orphan), { code: 'ENOENT' });
  assert.deepEqual(await intents.left(), []);
  assert.equal((await readLake(lake, 't')).length, 2);
});

test('O-3 an intent left behind of a commit that happened costs no file', async (t) => {
  const lake = await testLake(t);
  const first = lake.sink();
  await first.open(never);
  await first.write(changeBatch(table, [{ op: 'c', after: ['1', 'a', 'b'] }], 1));
  await first.commit(changeBatch(table, [], 1).offset!, never);
  await first.close();
  const catalog = await lake.catalog();
  const { metadata, ident } = await catalog.load({ namespace: ['shop_public'], name: 't' });
  await catalog.close();
  const [snapshot] = metadata.snapshots!;
  const kept = join(lake.folder, 'kept.parquet');
  await writeFile(kept, 'data');
  const intents = new CommitIntents(join(lake.folder, 'state', 'intents'));
  const entry = {
    table: ident,
    uuid: metadata['table-uuid'],
    snapshotId: snapshot['snapshot-id'],
    files: [kept],
  };
  await intents.write(snapshot.summary['icestream.commit-id'], [entry]);
  const second = lake.sink();
  await second.open(never);
  await second.write(changeBatch(table, [{ op: 'c', after: ['2', 'a', 'b'] }], 2));
  await second.commit(changeBatch(table, [], 2).offset!, never);
  await second.close();
  await access(kept);
  assert.deepEqual(await intents.left(), []);
});
