import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openMemoryStore, openStore } from '../../src/runtime/store-sqlite.ts';

const PARTITION = { server: 'p' };

function inFolder(work: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'icestream-store-'));
  try {
    work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('everything survives a restart', () =>
  inFolder((folder) => {
    const first = openStore(folder);
    first.putConnector('a/b c', { x: '1', __proto__x: '2' }, 'PAUSED');
    first.putOffset('a/b c', 0, { partition: PARTITION, offset: { lsn: 9007199254740991, snapshot: true } });
    first.addTopics('a/b c', ['t2', 't1', 't1']);
    first.putStatus({ connector: 'a/b c', task: 0, state: 'FAILED', trace: 't', workerId: 'w' });
    first.putLogger({ name: 'root', level: 'DEBUG', modifiedMillis: 5 });
    const { clusterId } = first;
    first.close();
    const second = openStore(folder);
    assert.deepEqual(second.connectors(), [
      { name: 'a/b c', config: { x: '1', __proto__x: '2' }, target: 'PAUSED' },
    ]);
    assert.deepEqual(second.offsets('a/b c'), [
      { partition: PARTITION, offset: { lsn: 9007199254740991, snapshot: true } },
    ]);
    assert.deepEqual(second.topics('a/b c'), ['t1', 't2']);
    assert.equal(second.statuses()[0]!.trace, 't');
    assert.deepEqual(second.loggers(), [{ name: 'root', level: 'DEBUG', modifiedMillis: 5 }]);
    assert.equal(second.clusterId, clusterId);
    second.close();
  }));

test('O-2 altering and resetting raise the epoch, and a late report of an older one is ignored', () => {
  const store = openMemoryStore();
  store.putOffset('c', 0, { partition: PARTITION, offset: { lsn: 1 } });
  assert.equal(store.offsetEpoch('c'), 0);
  store.alterOffsets('c', [{ partition: PARTITION, offset: { lsn: 5 } }]);
  assert.equal(store.offsetEpoch('c'), 1);
  store.putOffset('c', 0, { partition: PARTITION, offset: { lsn: 2 } });
  assert.deepEqual(store.offsets('c')[0]!.offset, { lsn: 5 });
  store.putOffset('c', 1, { partition: PARTITION, offset: { lsn: 6 } });
  assert.deepEqual(store.offsets('c')[0]!.offset, { lsn: 6 });
  store.alterOffsets('c', [{ partition: PARTITION, offset: null }]);
  assert.deepEqual(store.offsets('c'), [{ partition: PARTITION, offset: null }]);
  store.resetOffsets('c');
  assert.deepEqual(store.offsets('c'), []);
  assert.equal(store.offsetEpoch('c'), 3);
  store.close();
});

test('deleting a connector keeps its offsets and their epoch', () => {
  const store = openMemoryStore();
  store.putConnector('c', {}, 'STARTED');
  store.alterOffsets('c', [{ partition: PARTITION, offset: { lsn: 1 } }]);
  store.addTopics('c', ['t']);
  store.putStatus({ connector: 'c', task: 0, state: 'RUNNING', trace: null, workerId: 'w' });
  store.deleteConnector('c');
  assert.deepEqual([store.connectors(), store.topics('c'), store.statuses()], [[], [], []]);
  assert.deepEqual([store.offsets('c').length, store.offsetEpoch('c')], [1, 1]);
  store.close();
});

test('two processes do not share a state directory, and a killed one leaves no lock', () =>
  inFolder((folder) => {
    const module = new URL('../../src/runtime/store-sqlite.ts', import.meta.url).href;
    const open = `const { openStore } = await import(${JSON.stringify(module)}); openStore(${JSON.stringify(folder)});`;
    const elsewhere = (code: string) =>
      execFileSync(process.execPath, ['--input-type=module', '-e', code], {
        encoding: 'utf8',
        stdio: 'pipe',
      });
    const store = openStore(folder);
    const attempt = `try { ${open} console.log('opened'); } catch (error) { console.log(error.code, error.message); }`;
    assert.equal(elsewhere(attempt).trim(), 'state.store another process uses the state directory');
    store.close();
    assert.throws(() => elsewhere(`${open} process.kill(process.pid, 'SIGKILL');`), { signal: 'SIGKILL' });
    openStore(folder).close();
  }));

test('a folder that cannot be used is an error that says so', () =>
  inFolder((folder) => {
    writeFileSync(join(folder, 'file'), '');
    assert.throws(() => openStore(join(folder, 'file')), { code: 'state.store' });
    writeFileSync(join(folder, 'state.db'), 'this is not a database, it only has the name of one'.repeat(50));
    assert.throws(() => openStore(folder), { code: 'state.store' });
  }));
