import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { ListMultipartUploadsCommand, type S3Client } from '@aws-sdk/client-s3';
import { IcestreamError } from '../../../src/base/errors.ts';
import { openS3Storage } from '../../../src/iceberg/storage/s3.ts';
import { createS3Client } from '../../../src/iceberg/storage/s3-client.ts';
import type { Storage } from '../../../src/iceberg/storage.ts';
import { storageContract } from '../../contract/storage.ts';
import { type HttpProxy, startHttpProxy } from '../../services/proxy.ts';
import { s3Properties, startS3, testBucket } from '../../services/s3.ts';

const { bucket, url, properties } = await testBucket();
const admin: S3Client = createS3Client(properties);
after(() => admin.destroy());

async function unfinishedUploads(): Promise<string[]> {
  const answer = await admin.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
  return (answer.Uploads ?? []).map((upload) => upload.Key ?? '');
}

storageContract({
  name: 's3',
  open: async () => openS3Storage(properties),
  root: () => `s3://${bucket}/contract`,
  leftovers: unfinishedUploads,
});

let proxy: HttpProxy;
let storage: Storage;
before(async () => {
  proxy = await startHttpProxy(url);
  storage = openS3Storage(s3Properties(proxy.url));
});
after(async () => {
  storage.close();
  await proxy.close();
});
const at = (name: string) => `s3://${bucket}/faults/${name}`;
const MEGABYTE = 1024 * 1024;
const LARGE = randomBytes(20 * 1024 * 1024);
const UNAVAILABLE = { status: 503, body: '<Error><Code>SlowDown</Code></Error>' };

test('the schemes s3, s3a and s3n name the same object', async () => {
  await storage.write(at('scheme'), Buffer.from('same'));
  for (const scheme of ['s3a', 's3n']) {
    assert.equal((await storage.read(at('scheme').replace('s3:', `${scheme}:`))).toString(), 'same');
  }
});

test('a request that fails for a moment is sent again, unseen', async () => {
  for (const action of [UNAVAILABLE, 'cut'] as const) {
    for (const when of ['before', 'after'] as const) {
      const faults = ['PUT', 'GET', 'HEAD'].map((method) =>
        proxy.fault({ method, path: /blink/, when, action }),
      );
      await storage.write(at('blink'), Buffer.from('stays'));
      assert.equal((await storage.read(at('blink'))).toString(), 'stays');
      assert.equal(await storage.size(at('blink')), 5);
      assert.deepEqual(
        faults.map((fault) => fault.hits),
        [1, 1, 1],
      );
    }
  }
});

test('an exclusive write whose answer was lost has succeeded, and fails for everyone else', async () => {
  proxy.fault({ method: 'PUT', path: /lost/, when: 'after', action: 'cut' });
  await storage.write(at('lost'), Buffer.from('mine'), { exclusive: true });
  proxy.fault({ method: 'PUT', path: /lost/, when: 'after', action: 'cut' });
  await assert.rejects(
    storage.write(at('lost'), Buffer.from('yours'), { exclusive: true }),
    hasCode('storage.io'),
  );
  assert.equal((await storage.read(at('lost'))).toString(), 'mine');
});

test('a multipart upload survives a fault at each of its steps', async () => {
  const steps = [/uploads/, /partNumber=2/, /uploadId=[^&]*$/];
  for (const path of steps) {
    for (const when of ['before', 'after'] as const) {
      const fault = proxy.fault({ path, when, action: 'cut' });
      const file = await storage.create(at('steps'));
      await file.write(LARGE);
      assert.equal(await file.close(), LARGE.length);
      assert.equal(fault.hits, 1, `${path} ${when}`);
      assert.ok((await storage.read(at('steps'))).equals(LARGE));
      await storage.remove([at('steps')]);
    }
  }
});

test('a part that is refused fails the file, and aborting it removes the upload', async () => {
  const body = '<Error><Code>AccessDenied</Code></Error>';
  const fault = proxy.fault({ path: /partNumber=2/, when: 'before', action: { status: 403, body } });
  const file = await storage.create(at('refused'));
  await assert.rejects(async () => {
    await file.write(LARGE);
    await file.close();
  }, hasCode('storage.refused'));
  await file.abort();
  assert.equal(fault.hits, 1);
  assert.deepEqual(
    (await unfinishedUploads()).filter((key) => key.includes('refused')),
    [],
  );
  assert.equal(await storage.size(at('refused')), null);
});

test('aborting during an upload stops it at once and removes it', async () => {
  const signalled = proxy.fault({ path: /partNumber=1/, when: 'before', action: { delayMs: 60_000 } });
  const file = await storage.create(at('stopped'));
  await file.write(LARGE);
  await signalled.struck;
  await file.abort();
  assert.deepEqual(
    (await unfinishedUploads()).filter((key) => key.includes('stopped')),
    [],
  );
});

test('the signal of create ends a file that waits', async () => {
  const reason = new Error('enough');
  const stop = new AbortController();
  proxy
    .fault({ path: /signalled/, when: 'before', action: { delayMs: 60_000 } })
    .struck.then(() => stop.abort(reason));
  const file = await storage.create(at('signalled'), stop.signal);
  await file.write(Buffer.from('small'));
  await assert.rejects(file.close(), (error) => error === reason);
  await file.abort();
  assert.equal(await storage.size(at('signalled')), null);
});

test('a close whose answer never came leaves nothing once aborted', async () => {
  proxy.fault({ method: 'PUT', path: /unanswered/, when: 'after', action: UNAVAILABLE, times: 9 });
  const file = await storage.create(at('unanswered'));
  await file.write(Buffer.from('there after all'));
  await assert.rejects(file.close(), hasCode('storage.unreachable'));
  assert.notEqual(await storage.size(at('unanswered')), null);
  await file.abort();
  assert.equal(await storage.size(at('unanswered')), null);
});

test('a body cut in the middle is read again', async () => {
  await storage.write(at('body'), LARGE);
  const fault = proxy.fault({ path: /body/, when: 'after', action: { cutAfterBytes: 1_000_000 } });
  assert.ok((await storage.read(at('body'))).equals(LARGE));
  assert.equal(fault.hits, 1);
});

test('a store without DeleteObjects has its files deleted one by one', async () => {
  for (const status of [501, 400, 405]) {
    const own = openS3Storage(s3Properties(proxy.url));
    const names = Array.from({ length: 12 }, (_, index) => at(`single/${index}`));
    await Promise.all(names.map((name) => own.write(name, Buffer.from('x'))));
    const fault = proxy.fault({
      method: 'POST',
      path: /\?delete/,
      when: 'before',
      action: { status },
      times: 9,
    });
    await own.remove(names);
    await own.remove(names);
    assert.equal(fault.hits, 1, 'the refusal is remembered');
    fault.remove();
    assert.deepEqual(
      await Promise.all(names.map((name) => own.size(name))),
      names.map(() => null),
    );
    own.close();
  }
});

test('wrong keys and a missing bucket are refused, without the secret in the error', async () => {
  const wrong = openS3Storage({ ...properties, 's3.secret-access-key': 'hunter2hunter2' });
  for (const attempt of [
    () => wrong.read(at('x')),
    () => wrong.size(at('x')),
    () => wrong.write(at('x'), Buffer.from('x')),
    () => wrong.remove([at('x'), at('y')]),
    () => storage.read('s3://no-such-bucket-here/x'),
  ]) {
    await assert.rejects(attempt(), (error) => {
      assert.ok(hasCode('storage.refused')(error));
      assert.equal((error as IcestreamError).retry, 'operator');
      assert.doesNotMatch(JSON.stringify([error, (error as Error).message]), /hunter2/);
      return true;
    });
  }
  wrong.close();
});

test('S3 down: unreachable within seconds, and back once it is up', async () => {
  const server = await startS3();
  const own = openS3Storage(s3Properties(server.url));
  try {
    await server.kill();
    await assert.rejects(own.write('s3://ready/x', Buffer.from('x')), hasCode('storage.unreachable'));
    await assert.rejects(own.size('s3://ready/x'), hasCode('storage.unreachable'));
    await server.restart();
    await own.write('s3://ready/x', Buffer.from('back'));
    assert.equal((await own.read('s3://ready/x')).toString(), 'back');
  } finally {
    own.close();
    await server.stop();
  }
});

test('a location that names no object is a configuration error', async () => {
  await assert.rejects(storage.read('s3://bucket-only'), hasCode('config.invalid'));
});

test('credentials that expire are fetched again', async () => {
  let fetched = 0;
  const own = openS3Storage(s3Properties(url), async () => {
    fetched++;
    const expiration = new Date(Date.now() + (fetched === 1 ? 1_000 : 3_600_000));
    return { accessKeyId: 'lakekey', secretAccessKey: 'lakesecret', expiration };
  });
  for (let i = 0; i < 4; i++) await own.write(at('vended'), Buffer.from(`${i}`));
  assert.equal(fetched, 2, 'once at first, once because the first ones were about to end');
  own.close();
});

test('a file in flight holds 32 MB at most: then who writes waits for the store', async () => {
  const file = await storage.create(at('bounded'));
  proxy.stall();
  try {
    for (let i = 0; i < 32; i++) await file.write(Buffer.alloc(MEGABYTE, i));
    let isTaken = false;
    const next = file.write(Buffer.alloc(MEGABYTE, 32)).then(() => (isTaken = true));
    for (let turn = 0; turn < 100; turn++) await setImmediate();
    assert.equal(isTaken, false);
    await proxy.heal();
    await next;
  } finally {
    await proxy.heal();
  }
  await file.abort();
});

test('a file that is written faster than the store takes it arrives as it was written', async () => {
  const fault = proxy.fault({ path: /partNumber/, when: 'before', action: { delayMs: 50 }, times: 100 });
  const file = await storage.create(at('fast'));
  for (let i = 0; i < 68; i++) await file.write(Buffer.alloc(MEGABYTE, i));
  assert.equal(await file.close(), 68 * MEGABYTE);
  fault.remove();
  const stored = await storage.read(at('fast'));
  for (let i = 0; i < 68; i++) {
    const part = stored.subarray(i * MEGABYTE, (i + 1) * MEGABYTE);
    assert.ok(part.equals(Buffer.alloc(MEGABYTE, i)), `megabyte ${i}`);
  }
});

function hasCode(code: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof IcestreamError, `no error of ours: ${error}`);
    assert.equal(error.code, code, String(error.cause));
    return true;
  };
}
