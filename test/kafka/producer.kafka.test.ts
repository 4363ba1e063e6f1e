import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COMPRESSIONS } from '../../src/kafka/producer-options.ts';
import { testKafka } from '../services/kafka.ts';
import { NO_HEADERS, openProducer, TIME } from './producers.ts';
import { readTopics } from './read-topics.ts';

const { bootstrap, prefix } = await testKafka();
const signal = AbortSignal.timeout(120_000);

for (const compression of COMPRESSIONS) {
  test(`records compressed with ${compression} are read back as they were sent`, async () => {
    const topic = `${prefix}${compression}`;
    const producer = await openProducer(bootstrap, { compression });
    await producer.prepare(topic, signal);
    const values = Array.from({ length: 2000 }, (_, i) => Buffer.from(`${'value '.repeat(i % 300)}${i}`));
    for (const [i, value] of values.entries())
      producer.send(topic, Buffer.from(`k${i}`), value, NO_HEADERS, TIME + i);
    // Two headers, of which one has no value; a tombstone; a record without a key; one with nothing at all.
    const headers = Buffer.from([4, 2, 0x61, 4, 1, 2, 4, 0x62, 0x63, 1]);
    producer.send(topic, Buffer.from('h'), Buffer.alloc(0), headers, TIME - 5);
    producer.send(topic, Buffer.from('gone'), null, NO_HEADERS, TIME);
    producer.send(topic, null, Buffer.alloc(40_000, 7), NO_HEADERS, TIME);
    producer.send(topic, null, null, NO_HEADERS, TIME);
    await producer.flush(signal);
    assert.equal(producer.pendingBytes, 0);
    await producer.close();
    const records = await readTopics(bootstrap, [topic]);
    assert.equal(records.length, values.length + 4);
    for (const [i, value] of values.entries()) {
      const record = records[i]!;
      assert.equal(record.key?.toString(), `k${i}`);
      assert.ok(value.equals(record.value!));
      assert.equal(record.timestampMs, TIME + i);
      assert.deepEqual(record.headers, []);
    }
    const [withHeaders, tombstone, keyless, empty] = records.slice(values.length);
    assert.deepEqual(withHeaders!.headers, [
      ['a', Buffer.from([1, 2])],
      ['bc', null],
    ]);
    assert.deepEqual(withHeaders!.value, Buffer.alloc(0));
    assert.equal(withHeaders!.timestampMs, TIME - 5);
    assert.equal(tombstone!.value, null);
    assert.equal(keyless!.key, null);
    assert.ok(keyless!.value!.equals(Buffer.alloc(40_000, 7)));
    assert.deepEqual([empty!.key, empty!.value], [null, null]);
  });
}
