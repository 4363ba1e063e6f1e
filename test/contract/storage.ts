import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, test } from 'node:test';
import { IcestreamError } from '../../src/base/errors.ts';
import type { Storage } from '../../src/iceberg/storage.ts';

export interface StorageBackend {
  readonly name: string;
  /** Called once. */
  open(): Promise<Storage>;
  /** A location under which nothing lies yet, without a slash at its end. */
  readonly root: () => string;
  /** Whatever is there below the root that is not a complete file (temporary files, unfinished uploads). */
  leftovers(): Promise<readonly string[]>;
}

const MEGABYTE = 1024 * 1024;

/** What every Storage promises, whatever it stores in. */
export function storageContract(backend: StorageBackend): void {
  const opened = backend.open();
  const storage = () => opened;
  const at = (name: string) => `${backend.root()}/${name}`;
  const shows = (title: string, body: () => Promise<void>) => test(`${backend.name}: ${title}`, body);
  after(async () => (await opened).close());

  shows('a small file is visible once closed, not before', async () => {
    const file = await (await storage()).create(at('small.bin'));
    await file.write(Buffer.from('one'));
    assert.equal(await (await storage()).size(at('small.bin')), null);
    await file.write(Buffer.from('two'));
    assert.equal(await file.close(), 6);
    assert.equal(await file.close(), 6, 'closing twice is harmless');
    assert.equal((await (await storage()).read(at('small.bin'))).toString(), 'onetwo');
  });

  shows('an empty file is a file', async () => {
    const file = await (await storage()).create(at('empty.bin'));
    assert.equal(await file.close(), 0);
    assert.equal(await (await storage()).size(at('empty.bin')), 0);
    assert.equal((await (await storage()).read(at('empty.bin'))).length, 0);
  });

  shows(
    'a large file written in odd pieces arrives byte for byte, whatever happens to the buffers given',
    async () => {
      const content = randomBytes(29 * MEGABYTE + 12_345);
      const file = await (await storage()).create(at('large.bin'));
      const piece = Buffer.alloc(700_001);
      for (let start = 0; start < content.length; start += piece.length) {
        const count = content.copy(piece, 0, start, start + piece.length);
        await file.write(piece.subarray(0, count));
        piece.fill(0); // The caller may use its buffer again once write has resolved.
      }
      assert.equal(await file.close(), content.length);
      assert.equal(await (await storage()).size(at('large.bin')), content.length);
      assert.ok((await (await storage()).read(at('large.bin'))).equals(content));
      const range = await (await storage()).readRange(at('large.bin'), 8 * MEGABYTE - 3, 8 * MEGABYTE + 5);
      assert.ok(range.equals(content.subarray(8 * MEGABYTE - 3, 8 * MEGABYTE + 5)));
    },
  );

  shows('one write larger than any buffer is taken whole', async () => {
    const content = randomBytes(20 * MEGABYTE);
    const file = await (await storage()).create(at('one-write.bin'));
    await file.write(content);
    await file.close();
    assert.ok((await (await storage()).read(at('one-write.bin'))).equals(content));
  });

  shows('aborting leaves nothing behind, small or large', async () => {
    for (const bytes of [0, 10, 20 * MEGABYTE]) {
      const file = await (await storage()).create(at('aborted.bin'));
      await file.write(Buffer.alloc(bytes, 1));
      await file.abort();
      await file.abort();
      assert.equal(await (await storage()).size(at('aborted.bin')), null);
    }
    assert.deepEqual(await backend.leftovers(), []);
  });

  shows('aborting a closed file keeps it', async () => {
    const file = await (await storage()).create(at('kept.bin'));
    await file.write(Buffer.from('x'));
    await file.close();
    await file.abort();
    assert.equal(await (await storage()).size(at('kept.bin')), 1);
  });

  shows('an exclusive write lets exactly one of many win and leaves its bytes', async () => {
    const writers = Array.from({ length: 8 }, (_, writer) => Buffer.from(`writer ${writer}`));
    const results = await Promise.allSettled(
      writers.map(async (bytes) => (await storage()).write(at('exclusive.json'), bytes, { exclusive: true })),
    );
    const winners = writers.filter((_, writer) => results[writer].status === 'fulfilled');
    assert.equal(winners.length, 1);
    assert.equal((await (await storage()).read(at('exclusive.json'))).toString(), winners[0].toString());
    for (const result of results) {
      if (result.status === 'rejected') assert.equal(codeOf(result.reason), 'storage.io');
    }
    await (await storage()).write(at('exclusive.json'), Buffer.from('replaced'));
    assert.equal((await (await storage()).read(at('exclusive.json'))).toString(), 'replaced');
  });

  shows('ranges end where the file ends', async () => {
    await (await storage()).write(at('range.txt'), Buffer.from('0123456789'));
    const range = async (start: number, end: number) =>
      (await (await storage()).readRange(at('range.txt'), start, end)).toString();
    assert.equal(await range(2, 5), '234');
    assert.equal(await range(8, 20), '89');
    assert.equal(await range(10, 12), '');
    assert.equal(await range(4, 4), '');
  });

  shows('names keep their odd characters', async () => {
    const name = 'a b/k=ü%20+&/c.txt';
    await (await storage()).write(at(name), Buffer.from('odd'));
    assert.equal((await (await storage()).read(at(name))).toString(), 'odd');
    assert.equal(await (await storage()).size(at('a b/k=ü +&/c.txt')), null);
    await (await storage()).remove([at(name)]);
    assert.equal(await (await storage()).size(at(name)), null);
  });

  shows('removal takes many files at once and ignores those that are gone', async () => {
    const names = Array.from({ length: 30 }, (_, index) => at(`many/${index}`));
    const open = await storage();
    await Promise.all(names.map((name) => open.write(name, Buffer.from('x'))));
    await open.remove([...names, at('many/never'), names[0]]);
    assert.deepEqual(
      await Promise.all(names.map((name) => open.size(name))),
      names.map(() => null),
    );
    await open.remove([]);
    await open.remove([names[0]]);
  });

  shows('a missing file is storage.not-found', async () => {
    await assert.rejects(
      (await storage()).read(at('missing')),
      (error) => codeOf(error) === 'storage.not-found',
    );
    await assert.rejects(
      (await storage()).readRange(at('missing'), 0, 1),
      (error) => codeOf(error) === 'storage.not-found',
    );
    assert.equal(await (await storage()).size(at('missing')), null);
  });

  shows('an aborted signal stops every operation with the reason given', async () => {
    const reason = new Error('enough');
    const signal = AbortSignal.abort(reason);
    const open = await storage();
    for (const started of [
      () => open.create(at('never'), signal),
      () => open.write(at('never'), Buffer.from('x'), { signal }),
      () => open.read(at('range.txt'), signal),
      () => open.readRange(at('range.txt'), 0, 1, signal),
      () => open.size(at('range.txt'), signal),
      () => open.remove([at('range.txt')], signal),
    ]) {
      await assert.rejects(started(), (error) => error === reason || (error as Error).name === 'AbortError');
    }
    assert.equal(await open.size(at('range.txt')), 10);
  });
}

function codeOf(error: unknown): string {
  assert.ok(error instanceof IcestreamError, `no error of ours: ${error}`);
  return error.code;
}
