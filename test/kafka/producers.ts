import type { TestContext } from 'node:test';
import { createLog } from '../../src/base/log.ts';
import { Producer, type ProducerOptions, type TopicCreation } from '../../src/kafka/producer.ts';
import { producerOptions } from '../../src/kafka/producer-config.ts';

/** No headers in a record's own form: their number. */
export const NO_HEADERS = Buffer.from([0]);
export const TIME = 1_700_000_000_123;

/** All options at their defaults. */
export function settings(bootstrap: string): ProducerOptions {
  const base = producerOptions({ 'bootstrap.servers': bootstrap });
  return { ...base, clientId: 'icestream-test', log: createLog(process.env['TEST_LOG'] ?? 'silent') };
}

/** A producer that creates the topics it is asked to prepare, and is closed after the test if not before. */
export async function openProducer(
  t: TestContext,
  bootstrap: string,
  options: Partial<ProducerOptions> = {},
  creation: Partial<TopicCreation> = {},
): Promise<Producer> {
  const topicCreation = () => ({ partitions: 1, replicationFactor: 1, configs: {}, ...creation });
  const all = { ...settings(bootstrap), topicCreation, ...options };
  const producer = await Producer.open(all, AbortSignal.timeout(60_000));
  t.after(() => producer.close());
  return producer;
}
