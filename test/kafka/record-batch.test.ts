import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Reader, readRecordsBatch } from '@platformatic/kafka';
import fc from 'fast-check';
import { BatchBuffers } from '../../src/kafka/batch-buffers.ts';
import { BatchCodec } from '../../src/kafka/batch-codec.ts';
import { ConstantBytes, crc32c, joinCrc } from '../../src/kafka/crc.ts';
import { type Batch, type Identity, PartitionQueue } from '../../src/kafka/partition-queue.ts';
import { COMPRESSIONS, type Compression } from '../../src/kafka/producer-options.ts';
import { RecordBatchBuilder, recordBound } from '../../src/kafka/record-batch.ts';

interface Sent {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly timestampMs: number;
  /** Comes before the value, where there is one. */
  readonly head?: ConstantBytes | null;
}

const NO_HEADERS = Buffer.from([0]);
const BY: Identity = { producerId: 2n ** 40n + 7n, epoch: 3 };
const bytes = fc.option(fc.uint8Array({ maxLength: 300, size: 'max' }));
const heads = [1, 511, 4000].map((length) => new ConstantBytes(Buffer.alloc(length, `head ${length} `)));
const records = fc.array(
  fc.record<Sent>({
    ...{ key: bytes, value: bytes, timestampMs: fc.integer({ min: 0, max: 2 ** 42 }) },
    head: fc.constantFrom(null, ...heads),
  }),
  { minLength: 1, maxLength: 200 },
);

for (const compression of COMPRESSIONS) {
  test(`a batch is read back as it was built, whole and in halves (${compression})`, async () => {
    const property = fc.asyncProperty(records, async (sent) => {
      const codec = new BatchCodec(compression, 3, new BatchBuffers(1_000_000));
      const batch = await built(compression, sent, 2 ** 31 - 2);
      assert.equal(crcIn(batch.bytes!), crc32c(batch.bytes!.subarray(21)));
      assert.deepEqual(read(batch, compression), { records: sent.map(plain), sequence: 2 ** 31 - 2 });
      if (sent.length < 2) return;
      const halves = await Promise.all(
        codec.halve(batch).map(async (raw) => {
          const half = { ...batch, raw, bytes: await codec.pack(raw), writtenFor: null };
          codec.address(half, BY, true);
          assert.equal(crcIn(half.bytes!), crc32c(half.bytes!.subarray(21)));
          return read(half, compression).records;
        }),
      );
      assert.deepEqual(halves.flat(), sent.map(plain));
      assert.equal(halves[0]!.length, sent.length >> 1);
    });
    await fc.assert(property, { numRuns: 40 });
  });
}

test('a record takes no more than its bound', () => {
  const extremes = [
    null,
    new Uint8Array(0),
    new Uint8Array(63),
    new Uint8Array(64),
    new Uint8Array(2_000_000),
  ];
  const builder = new RecordBatchBuilder(new BatchBuffers(0), 100);
  for (const key of extremes) {
    for (const value of extremes) {
      for (const timestampMs of [0, 2 ** 42]) {
        const before = builder.byteLength;
        builder.append(key, value, NO_HEADERS, timestampMs);
        assert.ok(builder.byteLength - before <= recordBound(key, value, NO_HEADERS));
        const headed = builder.byteLength;
        builder.append(key, value, NO_HEADERS, timestampMs, heads[2]);
        assert.ok(builder.byteLength - headed <= recordBound(key, value, NO_HEADERS, heads[2]));
      }
    }
  }
});

test('a crc of parts is that of the whole, whatever their lengths', () => {
  const lengths = fc.integer({ min: 0, max: 70_000 });
  const property = fc.property(
    fc.uint8Array({ minLength: 1, maxLength: 50 }),
    lengths,
    lengths,
    (pattern, a, b) => {
      const first = Buffer.alloc(a, pattern);
      const second = Buffer.alloc(b, pattern.toReversed());
      const whole = crc32c(Buffer.concat([first, second]));
      assert.equal(joinCrc(crc32c(first), crc32c(second), b), whole);
      assert.equal(new ConstantBytes(second).append(crc32c(first)), whole);
    },
  );
  fc.assert(property, { numRuns: 60 });
});

async function built(compression: Compression, sent: readonly Sent[], before: number): Promise<Batch> {
  const codec = new BatchCodec(compression, 3, new BatchBuffers(1_000_000));
  const builder = new RecordBatchBuilder(new BatchBuffers(0), 100, compression !== 'none');
  for (const { key, value, timestampMs, head } of sent)
    builder.append(key, value, NO_HEADERS, timestampMs, head);
  const raw = builder.finish();
  const partition = new PartitionQueue('t', 0, 1);
  const batch: Batch = {
    ...{ partition, raw, sinceMs: 0, generation: 0, before, heldBytes: 0, attempts: 0 },
    ...{ bytes: await codec.pack(raw), writtenFor: null },
  };
  codec.address(batch, BY, true);
  return batch;
}

/** By the library's reader, which has nothing in common with our writer; the brokers check the sum of every batch. */
function read(batch: Batch, compression: Compression) {
  const found = readRecordsBatch(Reader.from(batch.bytes!));
  assert.deepEqual([found.producerId, found.producerEpoch], [BY.producerId, BY.epoch]);
  assert.equal(found.attributes, COMPRESSIONS.indexOf(compression) | 0x10);
  assert.equal(found.lastOffsetDelta, found.records.length - 1);
  assert.equal(found.length, batch.bytes!.length - 12);
  const timestamps = found.records.map((it) => Number(found.firstTimestamp + it.timestampDelta));
  assert.ok(Number(found.maxTimestamp) >= Math.max(...timestamps));
  const seen = found.records.map((it, i) => {
    assert.equal(it.offsetDelta, i);
    return plain({ key: it.key, value: it.value, timestampMs: timestamps[i]! });
  });
  return { records: seen, sequence: found.firstSequence };
}

function crcIn(batch: Buffer): number {
  return batch.readUInt32BE(17);
}

function plain({ key, value, timestampMs, head }: Sent) {
  const hex = (it: Uint8Array | null) => (it === null ? null : Buffer.from(it).toString('hex'));
  const whole = value && head ? Buffer.concat([head.bytes, value]) : value;
  return { key: hex(key), value: hex(whole), timestampMs };
}
