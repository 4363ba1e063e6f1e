import { isUtf8 } from 'node:buffer';
import { type Admin, type EachBatchPayload, Kafka, type KafkaMessage, logLevel } from 'kafkajs';
import { until } from '../harness/until.ts';
import type { KafkaRecord } from './recording.ts';

/** Reads whole topics of a broker, by a client that is not the one the service writes with. */
export class Topics {
  readonly #kafka: Kafka;
  readonly #admin: Admin;

  private constructor(kafka: Kafka) {
    this.#kafka = kafka;
    this.#admin = kafka.admin();
  }

  static async connect(bootstrap: string): Promise<Topics> {
    const topics = new Topics(
      new Kafka({ clientId: 'peer', brokers: bootstrap.split(','), logLevel: logLevel.NOTHING }),
    );
    await topics.#admin.connect();
    await until('groups can be joined', () => topics.#coordinates());
    return topics;
  }

  /** A new broker makes the topic of its groups when it is first asked for one, and the client does not wait for that. */
  async #coordinates(): Promise<boolean> {
    try {
      await this.#admin.fetchOffsets({ groupId: 'peer' });
      return true;
    } catch (error) {
      if ((error as { retriable?: boolean }).retriable) return false;
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#admin.disconnect();
  }

  /** The topics that a connector of this prefix writes. */
  async ofPrefix(prefix: string): Promise<string[]> {
    const heartbeats = `__debezium-heartbeat.${prefix}`;
    const all = await this.#admin.listTopics();
    const own = [`${prefix}.`, `${prefix}-`];
    return all
      .filter((it) => it === prefix || it === heartbeats || own.some((start) => it.startsWith(start)))
      .sort();
  }

  async remove(topics: string[]): Promise<void> {
    if (topics.length === 0) return;
    await this.#admin.deleteTopics({ topics });
    await until('the topics are gone', async () => {
      const left = new Set(await this.#admin.listTopics());
      return !topics.some((topic) => left.has(topic));
    });
  }

  /** By topic, how many offsets its partitions hold together. */
  async counts(topics: readonly string[]): Promise<Map<string, number>> {
    const counts = new Map<string, number>();
    for (const topic of topics) {
      const partitions = await this.#admin.fetchTopicOffsets(topic);
      const sum = partitions.reduce((total, it) => total + Number(it.high) - Number(it.low), 0);
      counts.set(topic, sum);
    }
    return counts;
  }

  /** Everything that these topics hold now, by topic, partition and offset. */
  async read(topics: readonly string[]): Promise<KafkaRecord[]> {
    const ends = new Map<string, number>();
    for (const topic of topics) {
      for (const { partition, high, low } of await this.#admin.fetchTopicOffsets(topic))
        if (Number(high) > Number(low)) ends.set(`${topic}/${partition}`, Number(high));
    }
    const records = ends.size === 0 ? [] : await this.#readTo(topics, ends);
    const order = (a: KafkaRecord, b: KafkaRecord) =>
      a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : a.partition - b.partition || a.offset - b.offset;
    return records.sort(order);
  }

  async #readTo(topics: readonly string[], ends: ReadonlyMap<string, number>): Promise<KafkaRecord[]> {
    const groupId = `peer-${process.pid}-${groups++}`;
    const consumer = this.#kafka.consumer({ groupId, maxWaitTimeInMs: 50 });
    const left = new Set(ends.keys());
    const records: KafkaRecord[] = [];
    await consumer.connect();
    try {
      await consumer.subscribe({ topics: [...topics], fromBeginning: true });
      const done = new Promise<void>((resolve, reject) => {
        consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
        const eachBatch = async ({ batch }: EachBatchPayload) => {
          const place = `${batch.topic}/${batch.partition}`;
          const end = ends.get(place) ?? 0;
          const wanted = batch.messages.filter((message) => Number(message.offset) < end);
          if (left.has(place))
            records.push(...wanted.map((message) => asRecord(batch.topic, batch.partition, message)));
          if (Number(batch.lastOffset()) >= end - 1) left.delete(place);
          if (left.size === 0) resolve();
        };
        consumer.run({ autoCommit: false, eachBatch }).catch(reject);
      });
      await done;
    } finally {
      await consumer.disconnect();
    }
    await this.#admin.deleteGroups([groupId]);
    return records;
  }
}

let groups = 0;

function asRecord(topic: string, partition: number, message: KafkaMessage): KafkaRecord {
  const { timestampType } = (message as KafkaMessage & { batchContext: { timestampType: number } })
    .batchContext;
  const headers = Object.entries(message.headers ?? {}).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map((it) => [name, it?.toString() ?? null] as const),
  );
  return {
    topic,
    partition,
    offset: Number(message.offset),
    timestampType: timestampType + 1,
    timestamp: Number(message.timestamp),
    headers,
    ...bytes('key', message.key),
    ...bytes('value', message.value),
  };
}

/** A zero byte in front is a schema registry's framing, even where the rest would be text. */
function bytes(part: 'key' | 'value', data: Buffer | null): Partial<KafkaRecord> {
  if (data === null) return { [`${part}Raw`]: null };
  const isText = data[0] !== 0 && isUtf8(data);
  return isText ? { [`${part}Raw`]: data.toString('utf8') } : { [`${part}B64`]: data.toString('base64') };
}
