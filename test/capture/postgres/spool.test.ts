import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { TaskMetrics } from '../../../src/base/metrics.ts';
import { Spool } from '../../../src/capture/postgres/spool.ts';

let folder: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'icestream-spool-'));
});

after(() => rm(folder, { recursive: true, force: true }));

async function newSpool(bytesMax = 1 << 30): Promise<{ spool: Spool; metrics: TaskMetrics }> {
  const metrics = new TaskMetrics();
  const spool = new Spool(folder, bytesMax, metrics);
  await spool.clear();
  return { spool, metrics };
}

async function content(spool: Spool, xid: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of spool.read(xid)) parts.push(Buffer.from(part));
  return Buffer.concat(parts);
}

test('P-1 interleaved transactions come back each in order, small ones without a file', async () => {
  const { spool, metrics } = await newSpool();
  const large: Buffer[] = [];
  for (let i = 0; i < 400; i++) {
    const piece = Buffer.alloc(10_000, i);
    large.push(piece);
    await spool.write(1, piece);
    if (i % 100 === 0) await spool.write(2, Buffer.from([i]));
  }
  assert.equal(metrics.spooledBytes, 4_000_004);
  assert.deepEqual(await content(spool, 1), Buffer.concat(large));
  assert.deepEqual(await content(spool, 2), Buffer.from([0, 100, 200, 300 - 256]));
  assert.deepEqual(await readdir(folder), ['1.transaction']);
  await spool.drop(1);
  await spool.drop(2);
  assert.deepEqual(await readdir(folder), []);
  assert.equal(metrics.spooledBytes, 0);
  await spool.close();
});

test('P-1 what an earlier run left is deleted at the start', async () => {
  await writeFile(join(folder, '7.transaction'), 'left behind');
  const { spool } = await newSpool();
  assert.deepEqual(await readdir(folder), []);
  await spool.close();
});

test('P-1 a rolled-back subtransaction is remembered, a rolled-back transaction dropped', async () => {
  const { spool, metrics } = await newSpool();
  await spool.write(1, Buffer.alloc(100));
  assert.equal(spool.abort(1, 5), null);
  assert.deepEqual([...spool.aborted(1)], [5]);
  await spool.abort(1, 1);
  assert.equal(metrics.spooledBytes, 0);
  assert.equal((await content(spool, 1)).length, 0);
  await spool.close();
});

test('beyond the quota the task stops with the remedy', async () => {
  const { spool } = await newSpool(1000);
  await spool.write(1, Buffer.alloc(600));
  assert.throws(() => spool.write(2, Buffer.alloc(600)), { code: 'postgres.spool-full', retry: 'operator' });
  await spool.close();
});

test('a folder that cannot be written is an error where it is waited for', async () => {
  const { spool } = await newSpool();
  await rm(folder, { recursive: true });
  const write = async () => {
    for (let i = 0; i < 30; i++) await spool.write(1, Buffer.alloc(256 * 1024));
    await content(spool, 1);
  };
  await assert.rejects(write(), { code: 'storage.io' });
  await spool.close();
});
