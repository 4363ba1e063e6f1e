import {
  findCoordinatorV3,
  offsetCommitV7,
  offsetCommitV8,
  offsetFetchV8,
  type RecordsBatch,
} from '@platformatic/kafka';
import { IcestreamError } from '../base/errors.ts';
import { codeIn, isPassing, refusal } from './broker-error.ts';
import { type Broker, Brokers } from './brokers.ts';
import { lookUp } from './cluster.ts';
import { CONTROL, EARLIEST, FETCH, LATEST, offsets } from './compacted-log.ts';
import type { ConnectionSettings } from './producer-options.ts';
import { backOff, unlessAborted } from './wait.ts';

const FIND_COORDINATOR = [findCoordinatorV3.api];
const OFFSET_FETCH = [offsetFetchV8.api];
const OFFSET_COMMIT = [offsetCommitV8.api, offsetCommitV7.api];
const KEY_TYPE_GROUP = 0;
const OFFSET_OUT_OF_RANGE = 1;
const PARTITION = 0;
const READ_UNCOMMITTED = 0;
const MAX_BYTES = 1024 * 1024;

export interface FollowOptions {
  readonly settings: ConnectionSettings;
  readonly topic: string;
  /** The consumer group whose committed offset is read and moved. Nobody joins it. */
  readonly group: string;
  /** Where nothing was committed, or is not there any more. */
  readonly reset: 'earliest' | 'latest';
  /** How long a poll waits for records, in milliseconds. */
  readonly maxWaitMs: number;
}

export interface FollowedRecord {
  readonly offset: bigint;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
}

/**
 * The first partition of a topic, read onward from where a group is in it: what a consumer does that was assigned it by
 * hand. A poll or commit that fails may be called again, and does so from where the last one ended.
 */
export class TopicFollower {
  readonly #options: FollowOptions;
  readonly #brokers: Brokers;
  #leader: Broker | null = null;
  #coordinator: Broker | null = null;
  #next: bigint | null = null;
  #committed: bigint | null = null;

  constructor(options: FollowOptions) {
    this.#options = options;
    this.#brokers = new Brokers(options.settings);
  }

  /** Behind the last record that was polled; null before the first poll. */
  get position(): bigint | null {
    return this.#next;
  }

  /**
   * The records that are there, in order; none after the wait.
   *
   * @throws IcestreamError kafka.topic-missing, kafka.unreachable, kafka.rights, kafka.auth, kafka.tls
   */
  async poll(signal: AbortSignal): Promise<FollowedRecord[]> {
    return await this.#known(async () => {
      const leader = await this.#findLeader(signal);
      this.#next ??= (await this.#fetchCommitted(signal)) ?? (await this.#resetOffset(leader, signal));
      try {
        return await this.#fetch(leader, this.#next, signal);
      } catch (error) {
        if (codeIn(error) !== OFFSET_OUT_OF_RANGE) throw error;
        this.#next = await this.#resetOffset(leader, signal);
        return [];
      }
    }, signal);
  }

  /** Where the group goes on the next time. */
  async commit(position: bigint, signal: AbortSignal): Promise<void> {
    if (position === this.#committed) return;
    const { group, topic } = this.#options;
    await this.#known(async () => {
      const coordinator = await this.#findCoordinator(signal);
      const partition = { partitionIndex: PARTITION, committedOffset: position, committedLeaderEpoch: -1 };
      const topics = [{ name: topic, partitions: [{ ...partition, committedMetadata: '' }] }];
      await unlessAborted(coordinator.call(OFFSET_COMMIT, group, -1, '', null, topics), signal);
      this.#committed = position;
    }, signal);
  }

  async close(): Promise<void> {
    await this.#brokers.close();
  }

  /** What passes by itself is tried again; where things are is looked up anew after any error. */
  async #known<T>(run: () => Promise<T>, signal: AbortSignal): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await run();
      } catch (error) {
        this.#leader = null;
        this.#coordinator = null;
        const code = codeIn(error);
        if (code === null) throw error;
        const { topic, group, settings } = this.#options;
        if (!isPassing(code)) throw refusal(code, null, { topic, group });
        settings.log.info({ error, topic, attempt }, 'kafka topic cannot be read yet');
      }
      await backOff(attempt, signal);
    }
  }

  async #findLeader(signal: AbortSignal): Promise<Broker> {
    if (this.#leader?.isConnected) return this.#leader;
    const { topic } = this.#options;
    const leader = (await lookUp(this.#brokers, [topic], true, signal)).get(topic)?.[PARTITION];
    if (leader === undefined) {
      throw new IcestreamError('kafka.topic-missing', `topic ${topic} does not exist`, {
        context: { topic },
      });
    }
    this.#leader = await this.#brokers.node(leader, signal);
    return this.#leader;
  }

  async #findCoordinator(signal: AbortSignal): Promise<Broker> {
    if (this.#coordinator?.isConnected) return this.#coordinator;
    const any = await this.#brokers.any(signal);
    const question = any.call(FIND_COORDINATOR, KEY_TYPE_GROUP, [this.#options.group]);
    const { host, port } = (await unlessAborted(question, signal)).coordinators[0]!;
    this.#coordinator = await this.#brokers.at({ host, port }, signal);
    return this.#coordinator;
  }

  async #fetchCommitted(signal: AbortSignal): Promise<bigint | null> {
    const { group, topic } = this.#options;
    const coordinator = await this.#findCoordinator(signal);
    const topics = [{ name: topic, partitionIndexes: [PARTITION] }];
    const question = coordinator.call(OFFSET_FETCH, [{ groupId: group, memberEpoch: -1, topics }], true);
    const { groups } = await unlessAborted(question, signal);
    const offset = groups[0]?.topics[0]?.partitions[0]?.committedOffset ?? -1n;
    this.#committed = offset < 0n ? null : offset;
    return this.#committed;
  }

  async #resetOffset(leader: Broker, signal: AbortSignal): Promise<bigint> {
    const { reset, topic } = this.#options;
    const time = reset === 'latest' ? LATEST : EARLIEST;
    return (await offsets(leader, topic, [PARTITION], time, signal)).get(PARTITION)!;
  }

  async #fetch(leader: Broker, from: bigint, signal: AbortSignal): Promise<FollowedRecord[]> {
    const { topic, maxWaitMs } = this.#options;
    const partition = { partition: PARTITION, currentLeaderEpoch: -1, lastFetchedEpoch: -1 };
    const wanted = [
      { topicId: topic, partitions: [{ ...partition, fetchOffset: from, partitionMaxBytes: MAX_BYTES }] },
    ];
    const limits = [maxWaitMs, 1, MAX_BYTES, READ_UNCOMMITTED] as const;
    const question = leader.call(FETCH, ...limits, 0, -1, wanted, [], '');
    const { responses } = await unlessAborted(question, signal);
    const records: FollowedRecord[] = [];
    for (const { records: batches } of responses.flatMap((it) => it.partitions)) {
      for (const batch of batches ?? []) {
        records.push(...recordsOf(batch).filter(({ offset }) => offset >= from));
        this.#next = batch.firstOffset + BigInt(batch.lastOffsetDelta) + 1n;
      }
    }
    return records;
  }
}

function recordsOf(batch: RecordsBatch): FollowedRecord[] {
  if (batch.attributes & CONTROL) return [];
  return batch.records.map(({ key, value, offsetDelta }) => ({
    offset: batch.firstOffset + BigInt(offsetDelta),
    key,
    value,
  }));
}
