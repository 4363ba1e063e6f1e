import assert from 'node:assert/strict';
import { randomFillSync } from 'node:crypto';
import { test } from 'node:test';
import { ParquetFileWriter } from '../../../src/iceberg/parquet/writer.ts';
import { field, MemoryFile } from './rows.ts';

const MB = 1024 * 1024;

/** Counts bytes, and optionally fails at the n-th write. */
class CountingFile extends MemoryFile {
  size = 0;
  private writesLeft: number;
  constructor(writesLeft = Number.POSITIVE_INFINITY) {
    super();
    this.writesLeft = writesLeft;
  }
  override async write(bytes: Uint8Array): Promise<void> {
    if (this.writesLeft-- <= 0) throw new Error('disk full');
    this.size += bytes.length;
  }
  override async close(): Promise<number> {
    return this.size;
  }
}

test('rows of 2 MB stay within 64 MB of buffers, and row groups end by bytes', async () => {
  const fields = [field(1, 'id', 'long', true), field(2, 'wide', 'binary')];
  const writer = new ParquetFileWriter({ type: 'struct', fields }, new CountingFile());
  const value = Buffer.alloc(2 * MB);
  let most = 0;
  for (let i = 0; i < 100; i++) {
    randomFillSync(value);
    writer.columns[0].int64(0, i);
    writer.columns[1].bytes(value, 0, value.length);
    await writer.endRows(1);
    most = Math.max(most, writer.bufferedBytes);
  }
  const file = await writer.close();
  assert.ok(most > 16 * MB && most < 64 * MB, `${most} bytes were buffered`);
  assert.ok(file.splitOffsets.length >= 4);
  assert.ok(file.fileSizeBytes > 200 * MB);
});

test('the size is estimated well enough to roll files on', async () => {
  for (const compression of ['zstd', 'snappy', 'none'] as const) {
    const fields = [field(1, 'id', 'long', true), field(2, 'name', 'string'), field(3, 'hash', 'uuid')];
    const writer = new ParquetFileWriter({ type: 'struct', fields }, new CountingFile(), {
      compression,
      rowGroupBytes: 4 * MB,
    });
    const [id, name, hash] = writer.columns;
    const random = Buffer.alloc(16);
    for (let block = 0; block < 100; block++) {
      for (let i = 0; i < 2000; i++) id.int64(0, block * 2000 + i);
      for (let i = 0; i < 2000; i++) {
        const text = Buffer.from(`name ${(i * 7919) % 1500} of ${block}`);
        name.utf8(text, 0, text.length);
      }
      for (let i = 0; i < 2000; i++) hash.uuid(randomFillSync(random), 0);
      await writer.endRows(2000);
    }
    const estimated = writer.estimatedFileBytes;
    const { fileSizeBytes } = await writer.close();
    const ratio = estimated / fileSizeBytes;
    assert.ok(ratio > 0.8 && ratio < 1.25, `${compression}: estimated ${estimated} of ${fileSizeBytes}`);
  }
});

test('a failing output shows in endRows or close, and abort reaches the output', async () => {
  const fields = [field(1, 'wide', 'binary')];
  const output = new CountingFile(1);
  const writer = new ParquetFileWriter({ type: 'struct', fields }, output, { rowGroupBytes: MB });
  const value = randomFillSync(Buffer.alloc(MB));
  const write = async () => {
    for (let i = 0; i < 50; i++) {
      writer.columns[0].bytes(value, 0, value.length);
      await writer.endRows(1);
    }
    await writer.close();
  };
  await assert.rejects(write(), { message: 'disk full' });
  await writer.abort();
  assert.equal(output.aborted, true);
});

test('a closed file takes no more rows', async () => {
  const writer = new ParquetFileWriter(
    { type: 'struct', fields: [field(1, 'a', 'int')] },
    new CountingFile(),
  );
  await writer.close();
  assert.throws(() => writer.endRows(0), { code: 'internal' });
  await assert.rejects(writer.close(), { code: 'internal' });
});

test('aborting while pages are compressed leaves nothing under way', async () => {
  const output = new CountingFile();
  const writer = new ParquetFileWriter({ type: 'struct', fields: [field(1, 'a', 'binary')] }, output);
  const value = randomFillSync(Buffer.alloc(3 * MB));
  for (let i = 0; i < 3; i++) writer.columns[0].bytes(value, 0, value.length);
  const room = writer.endRows(3);
  await writer.abort();
  await room;
  assert.equal(output.aborted, true);
  assert.equal(output.size, 0);
});
