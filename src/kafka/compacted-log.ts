import { fetchV11, fetchV12, listOffsetsV5, listOffsetsV6, type RecordsBatch } from '@platformatic/kafka';
import { IcestreamError } from '../base/errors.ts';
import { codeIn, isPassing, refusal } from './broker-error.ts';
import { type Broker, Brokers, isUnreachable } from './brokers.ts';
import { type Leaders, lookUp } from './cluster.ts';
import type { ConnectionSettings } from './producer-options.ts';
import { backOff, unlessAborted } from './wait.ts';

// What version 12 adds to the answer is optional in its type, so that 11's is one of its kind.
export const FETCH = [fetchV12.api, fetchV11.api as unknown as typeof fetchV12.api];
type Answer = Awaited<ReturnType<typeof fetchV12.api.async>>['responses'][number]['partitions'][number];
const LIST_OFFSETS = [listOffsetsV6.api, listOffsetsV5.api];
const READ_COMMITTED = 1;
export const EARLIEST = -2n;
export const LATEST = -1n;

/**
 * The last value of each key (as UTF-8) of a compacted topic, null where that is a tombstone; records without a key are
 * passed over. Reads what is committed up to the topic's end as it is when reading begins; waits for brokers.
 *
 * @throws IcestreamError kafka.topic-missing, kafka.rights, kafka.auth, kafka.tls
 */
export async function readCompacted(
  settings: ConnectionSettings,
  topic: string,
  signal: AbortSignal,
): Promise<Map<string, Buffer | null>> {
  const brokers = new Brokers(settings);
  try {
    for (let attempt = 1; ; attempt++) {
      try {
        return await readOnce(brokers, topic, signal);
      } catch (error) {
        const code = codeIn(error);
        if (code !== null && !isPassing(code)) throw refusal(code, null, { topic });
        if (code === null && !isUnreachable(error)) throw error;
        settings.log.info({ error, topic, attempt }, 'kafka topic cannot be read yet');
      }
      await backOff(attempt, signal);
    }
  } finally {
    await brokers.close();
  }
}

async function readOnce(
  brokers: Brokers,
  topic: string,
  signal: AbortSignal,
): Promise<Map<string, Buffer | null>> {
  const leaders = (await lookUp(brokers, [topic], false, signal)).get(topic);
  if (leaders === undefined || leaders.length === 0) {
    throw new IcestreamError('kafka.topic-missing', `topic ${topic} does not exist`, { context: { topic } });
  }
  const latest = new Map<string, Buffer | null>();
  for (const [leader, partitions] of byLeader(leaders)) {
    const broker = await brokers.node(leader, signal);
    const starts = await offsets(broker, topic, partitions, EARLIEST, signal);
    const ends = await offsets(broker, topic, partitions, LATEST, signal);
    const readers = partitions.map((it) => new PartitionReader(it, starts.get(it)!, ends.get(it)!, latest));
    await readToEnds(broker, topic, readers, signal);
  }
  return latest;
}

function byLeader(leaders: Leaders): Map<number, number[]> {
  return Map.groupBy(leaders.keys(), (partition) => leaders[partition]!);
}

/** The partitions' offsets at a time, EARLIEST or LATEST. */
export async function offsets(
  broker: Broker,
  topic: string,
  partitions: readonly number[],
  timestamp: bigint,
  signal: AbortSignal,
): Promise<Map<number, bigint>> {
  const wanted = partitions.map((partitionIndex) => ({ partitionIndex, currentLeaderEpoch: -1, timestamp }));
  const request = broker.call(LIST_OFFSETS, -1, READ_COMMITTED, [{ name: topic, partitions: wanted }]);
  const { topics } = await unlessAborted(request, signal);
  return new Map(topics[0]!.partitions.map((it) => [it.partitionIndex, it.offset]));
}

const MAX_WAIT_MS = 500;
const MAX_BYTES = 8 * 1024 * 1024;
const PARTITION_BYTES = 1024 * 1024;
/** About half a minute: a topic that was truncated meanwhile has nothing more to give. */
const IDLE_ROUNDS = 60;

async function readToEnds(
  broker: Broker,
  topic: string,
  all: readonly PartitionReader[],
  signal: AbortSignal,
): Promise<void> {
  let idle = 0;
  for (let open = all.filter((it) => !it.isDone); open.length > 0; open = open.filter((it) => !it.isDone)) {
    const partitions = open.map((it) => ({
      partition: it.partition,
      currentLeaderEpoch: -1,
      fetchOffset: it.next,
      lastFetchedEpoch: -1,
      partitionMaxBytes: PARTITION_BYTES,
    }));
    const wanted = [{ topicId: topic, partitions }];
    const request = broker.call(FETCH, MAX_WAIT_MS, 1, MAX_BYTES, READ_COMMITTED, 0, -1, wanted, [], '');
    const { responses } = await unlessAborted(request, signal);
    let progress = false;
    for (const answer of responses.flatMap((it) => it.partitions)) {
      const reader = open.find((it) => it.partition === answer.partitionIndex);
      if (reader?.take(answer)) progress = true;
    }
    idle = progress ? 0 : idle + 1;
    if (idle > IDLE_ROUNDS) {
      throw new IcestreamError('kafka.unreachable', `the end of topic ${topic} cannot be read`, {
        context: { topic },
      });
    }
  }
}

const TRANSACTIONAL = 0x10;
export const CONTROL = 0x20;
const ABORT_MARKER = 0;

/** One partition's way from its start to its end; passes over what belongs to aborted transactions. */
class PartitionReader {
  readonly partition: number;
  next: bigint;
  readonly #end: bigint;
  readonly #latest: Map<string, Buffer | null>;
  readonly #aborted = new Set<bigint>();

  constructor(partition: number, start: bigint, end: bigint, latest: Map<string, Buffer | null>) {
    this.partition = partition;
    this.next = start;
    this.#end = end;
    this.#latest = latest;
  }

  get isDone(): boolean {
    return this.next >= this.#end;
  }

  /** Whether it came further. */
  take(answer: Answer): boolean {
    const aborted = (answer.abortedTransactions ?? []).toSorted((a, b) =>
      Number(a.firstOffset - b.firstOffset),
    );
    for (const batch of answer.records ?? []) {
      const last = batch.firstOffset + BigInt(batch.lastOffsetDelta);
      while (aborted.length > 0 && aborted[0]!.firstOffset <= last) {
        this.#aborted.add(aborted.shift()!.producerId);
      }
      if (last >= this.next) this.#read(batch);
      if (last >= this.next) this.next = last + 1n;
    }
    return (answer.records ?? []).length > 0;
  }

  #read(batch: RecordsBatch): void {
    if (batch.attributes & CONTROL) {
      // The marker's key is version and type, int16 each.
      const type = batch.records[0]?.key?.readInt16BE(2);
      if (type === ABORT_MARKER) this.#aborted.delete(batch.producerId);
      return;
    }
    if (batch.attributes & TRANSACTIONAL && this.#aborted.has(batch.producerId)) return;
    for (const { key, value, offsetDelta } of batch.records) {
      // The first batch of an answer may begin before what was asked for.
      if (key === null || batch.firstOffset + BigInt(offsetDelta) < this.next) continue;
      this.#latest.set(key.toString('utf8'), value === null ? null : Buffer.from(value));
    }
  }
}
