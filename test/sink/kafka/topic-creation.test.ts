import assert from 'node:assert/strict';
import { test } from 'node:test';
import { topicCreation } from '../../../src/sink/kafka/topic-creation.ts';

test('the offsets topic is compacted, others are left to the brokers unless something is said of them', () => {
  const of = topicCreation({ 'offset.storage.topic': 'offsets', 'offset.storage.partitions': '5' });
  assert.deepEqual(of('offsets'), {
    partitions: 5,
    replicationFactor: -1,
    configs: { 'cleanup.policy': 'compact' },
  });
  assert.equal(of('shop.public.orders'), null);
});

test('topics are made by the first group that includes them, else by the default', () => {
  const config = {
    'topic.creation.default.replication.factor': '3',
    'topic.creation.default.partitions': '10',
    'topic.creation.default.cleanup.policy': 'delete',
    'topic.creation.groups': 'orders,inventory',
    'topic.creation.orders.include': '.*\\.orders,.*\\.order_items',
    'topic.creation.orders.exclude': '.*archive.*',
    'topic.creation.orders.partitions': '20',
    'topic.creation.orders.compression.type': 'zstd',
    'topic.creation.inventory.include': '.*inv.*',
    'topic.creation.inventory.replication.factor': '1',
  };
  const of = topicCreation(config);
  const orders = { replicationFactor: 3, partitions: 20, configs: { 'compression.type': 'zstd' } };
  assert.deepEqual(of('shop.public.orders'), orders);
  assert.deepEqual(of('shop.inv.order_items'), orders);
  assert.deepEqual(of('shop.inv.stock'), { replicationFactor: 1, partitions: 10, configs: {} });
  const others = { replicationFactor: 3, partitions: 10, configs: { 'cleanup.policy': 'delete' } };
  assert.deepEqual(of('shop.archive.orders'), others);
  assert.equal(topicCreation({ ...config, 'topic.creation.enable': 'false' })('shop.public.orders'), null);
  assert.throws(() => topicCreation({ ...config, 'topic.creation.default.partitions': '0' }), {
    code: 'config.invalid',
  });
});
