import { createTopicsV5, createTopicsV7, metadataV9, metadataV12 } from '@platformatic/kafka';
import { IcestreamError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { answerIn, codeIn, errorName, isPassing, KafkaError, refusal } from './broker-error.ts';
import { type Broker, type Brokers, isUnreachable } from './brokers.ts';
import type { TopicCreation } from './producer-options.ts';
import { backOff, unlessAborted } from './wait.ts';

/** A topic's partitions, by number, each with its leader's node id; -1 while there is none. */
export type Leaders = readonly number[];

const METADATA = [metadataV12.api, metadataV9.api];
const CREATE_TOPICS = [createTopicsV7.api, createTopicsV5.api];

type Answer = Awaited<ReturnType<typeof metadataV12.api.async>>;

/**
 * One look at the topics' partitions: a topic that is not there is missing from the answer. Topics are created by it
 * where `create` is set and the brokers are configured so.
 *
 * @throws IcestreamError kafka.rights, kafka.topic-refused; kafka.unreachable where no broker answers
 */
export async function lookUp(
  brokers: Brokers,
  topics: readonly string[],
  create: boolean,
  signal: AbortSignal,
): Promise<Map<string, Leaders>> {
  const broker = await brokers.any(signal);
  const answer = await unlessAborted(ask(broker, topics, create), signal);
  brokers.learn(answer.brokers);
  const found = new Map<string, Leaders>();
  for (const { name, errorCode, partitions } of answer.topics) {
    if (errorCode !== KafkaError.none) {
      if (isPassing(errorCode)) continue;
      const operation = errorCode === KafkaError.topicAuthorizationFailed ? { operation: 'Describe' } : {};
      throw refusal(errorCode, null, { ...operation, topic: name });
    }
    const leaders = new Array<number>(partitions.length).fill(-1);
    for (const { partitionIndex, leaderId } of partitions) leaders[partitionIndex] = leaderId;
    found.set(name!, leaders);
  }
  return found;
}

async function ask(broker: Broker, topics: readonly string[], create: boolean): Promise<Answer> {
  try {
    return await broker.call(METADATA, [...topics], create, false);
  } catch (error) {
    // The library throws where one topic of many has an error; the others' partitions are in the answer all the same.
    const answer = answerIn<Answer>(error);
    if (answer === null) throw error;
    return answer;
  }
}

/**
 * The partitions of a topic that must be there: created by `creation` where it is given, else by the brokers where they
 * do that; waits for the topic and its leaders up to `maxBlockMs`, and without limit for brokers that cannot be reached.
 *
 * @throws IcestreamError kafka.topic-missing, kafka.topic-refused, kafka.rights, kafka.auth, kafka.tls
 */
export async function ensureTopic(
  brokers: Brokers,
  topic: string,
  creation: TopicCreation | null,
  maxBlockMs: number,
  log: Log,
  signal: AbortSignal,
): Promise<Leaders> {
  const since = performance.now();
  for (let attempt = 1; ; attempt++) {
    const leaders = await whileUnreachable(log, signal, async () => {
      const found = await lookUp(brokers, [topic], creation === null, signal);
      return found.get(topic) ?? null;
    });
    if (leaders !== null && leaders.length > 0 && !leaders.includes(-1)) return leaders;
    if (performance.now() - since > maxBlockMs) {
      if (leaders !== null && leaders.length > 0) return leaders; // It is there; its leaders are waited for in sending.
      throw new IcestreamError('kafka.topic-missing', `topic ${topic} does not exist`, {
        context: { topic },
      });
    }
    if (leaders === null && creation !== null) {
      await whileUnreachable(log, signal, () => createTopic(brokers, topic, creation, signal));
    }
    await backOff(attempt, signal);
  }
}

async function createTopic(
  brokers: Brokers,
  topic: string,
  creation: TopicCreation,
  signal: AbortSignal,
): Promise<void> {
  const request = {
    name: topic,
    numPartitions: creation.partitions,
    replicationFactor: creation.replicationFactor,
    assignments: [],
    configs: Object.entries(creation.configs).map(([name, value]) => ({ name, value })),
  };
  const broker = await brokers.any(signal);
  try {
    await unlessAborted(broker.call(CREATE_TOPICS, [request], CREATE_TIMEOUT_MS, false), signal);
  } catch (error) {
    const code = codeIn(error);
    if (code === null) throw error;
    if (code === KafkaError.topicAlreadyExists || isPassing(code)) return;
    const message = (error as { errors: { serverErrorMessage?: string }[] }).errors[0]?.serverErrorMessage;
    const { code: ours } = refusal(code, null, {});
    const text = `topic ${topic} cannot be created: ${errorName(code)}${message ? `, ${message}` : ''}`;
    const named = ours === 'kafka.rights' ? ours : 'kafka.topic-refused';
    throw new IcestreamError(named, text, { cause: error, context: { operation: 'Create', topic } });
  }
}

const CREATE_TIMEOUT_MS = 30_000;

/** Repeats what fails for want of a broker, for as long as the signal lets it. */
export async function whileUnreachable<T>(log: Log, signal: AbortSignal, run: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run();
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (!isUnreachable(error)) throw error;
      // The first failures are ordinary: a broker that restarts is away for seconds. Later ones are told less and less.
      const level = attempt < QUIET_ATTEMPTS ? 'info' : 'warn';
      if (Number.isInteger(Math.log2(attempt))) log[level]({ error, attempt }, 'no kafka broker answers');
      await backOff(attempt, signal);
    }
  }
}

const QUIET_ATTEMPTS = 5;
