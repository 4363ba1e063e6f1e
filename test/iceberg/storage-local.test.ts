import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { IcestreamError } from '../../src/base/errors.ts';
import { LocalStorage, localPath, storageError } from '../../src/iceberg/storage/local.ts';
import { openStorage } from '../../src/iceberg/storage/open.ts';

const folder = mkdtempSync(join(tmpdir(), 'icestream-storage-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const storage = new LocalStorage();

function hasCode(code: string): (error: unknown) => boolean {
  return (error) => error instanceof IcestreamError && error.code === code;
}

test('a file is visible only once it is closed, in folders made on the way', async () => {
  const path = join(folder, 'a/b/c.bin');
  const file = await storage.create(path);
  await file.write(Buffer.from('one'));
  assert.equal(await storage.size(path), null);
  await file.write(Buffer.from('two'));
  assert.equal(await file.close(), 6);
  assert.equal(readFileSync(path, 'utf8'), 'onetwo');
  assert.deepEqual(readdirSync(join(folder, 'a/b')), ['c.bin']);
});

test('an aborted file leaves nothing behind, and aborting a closed one keeps it', async () => {
  const path = join(folder, 'aborted/x.bin');
  const file = await storage.create(path);
  await file.write(Buffer.from('one'));
  await file.abort();
  await file.abort();
  assert.deepEqual(readdirSync(join(folder, 'aborted')), []);
  const kept = await storage.create(path);
  await kept.close();
  await kept.abort();
  assert.equal(await storage.size(path), 0);
});

test('file URIs and paths name the same file', async () => {
  const path = join(folder, 'with space/ü.txt');
  await storage.write(pathToFileURL(path).href, Buffer.from('hello'));
  assert.equal((await storage.read(path)).toString(), 'hello');
  assert.equal(localPath('file:/tmp/x'), '/tmp/x');
  assert.equal(localPath('file:///tmp/x%20y'), '/tmp/x y');
});

test('an exclusive write fails where the file is there, and leaves it alone', async () => {
  const path = join(folder, 'exclusive.txt');
  await storage.write(path, Buffer.from('first'), { exclusive: true });
  await assert.rejects(
    storage.write(path, Buffer.from('second'), { exclusive: true }),
    hasCode('storage.io'),
  );
  assert.equal(readFileSync(path, 'utf8'), 'first');
  await storage.write(path, Buffer.from('third'));
  assert.equal(readFileSync(path, 'utf8'), 'third');
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.endsWith('.tmp')),
    [],
  );
});

test('ranges, sizes and removal', async () => {
  const path = join(folder, 'range.txt');
  await storage.write(path, Buffer.from('0123456789'));
  assert.equal((await storage.readRange(path, 2, 5)).toString(), '234');
  assert.equal((await storage.readRange(path, 8, 20)).toString(), '89');
  assert.equal(await storage.size(path), 10);
  await storage.remove([path, path]);
  assert.equal(await storage.size(path), null);
  await assert.rejects(storage.read(path), hasCode('storage.not-found'));
});

test('a full disk is storage.full', () => {
  const full = openSync('/dev/full', 'w');
  try {
    writeSync(full, 'x');
    assert.fail('/dev/full took bytes');
  } catch (error) {
    const mapped = storageError(error, '/dev/full') as IcestreamError;
    assert.equal(mapped.code, 'storage.full');
    assert.equal(mapped.retry, 'backoff');
  } finally {
    closeSync(full);
  }
});

test('an aborted signal stops an operation before it begins', async () => {
  const signal = AbortSignal.abort();
  await assert.rejects(storage.create(join(folder, 'never'), signal), { name: 'AbortError' });
  await assert.rejects(storage.read(join(folder, 'range.txt'), signal), { name: 'AbortError' });
});

test('storage is chosen by the scheme; an unknown one is refused', async () => {
  assert.ok((await openStorage('/tmp/warehouse', {})) instanceof LocalStorage);
  assert.ok((await openStorage('file:///tmp/warehouse', {})) instanceof LocalStorage);
  await assert.rejects(openStorage('gs://bucket/warehouse', {}), hasCode('config.invalid'));
});
