import type { IcestreamError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { KafkaSecurity } from './security.ts';

export const COMPRESSIONS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
export type Compression = (typeof COMPRESSIONS)[number];

/** How the brokers are reached: what a producer and a reader have in common. */
export interface ConnectionSettings {
  readonly clientId: string;
  /** `host:port` each. */
  readonly bootstrapServers: readonly string[];
  readonly security: KafkaSecurity;
  readonly requestTimeoutMs: number;
  readonly log: Log;
}

export interface ProducerOptions extends ConnectionSettings {
  readonly compression: Compression;
  readonly zstdLevel: number;
  /**
   * How long a record waits for others while a request is on its way to its broker. Without one it is sent at once, so
   * that this costs latency only where there is load.
   */
  readonly lingerMs: number;
  /** Size of a partition's batch, uncompressed, at which it is sent whatever `lingerMs` says. */
  readonly batchBytes: number;
  /** A larger record is refused with kafka.record-too-large; a request with several batches keeps below it. */
  readonly maxRequestBytes: number;
  /** Bytes waiting or on their way beyond which `room` waits. */
  readonly bufferBytes: number;
  /** Produce requests on their way to one broker, 1 to 5: the broker remembers five batches of a partition. */
  readonly maxInFlight: number;
  /** From `send` to the acknowledgement; after that the producer fails with kafka.not-delivered. */
  readonly deliveryTimeoutMs: number;
  /** How long `prepare` waits for a topic that is not there. */
  readonly maxBlockMs: number;
  /** How old the knowledge of a topic's partitions may become. */
  readonly metadataMaxAgeMs: number;
  /** Without it a record may be there twice after a lost connection. */
  readonly idempotent: boolean;
  readonly transactionalId: string | null;
  /** After so long the brokers abort a transaction by themselves. */
  readonly transactionTimeoutMs: number;
  /** null: topics are left to the brokers' auto.create.topics.enable. */
  readonly topicCreation: ((topic: string) => TopicCreation | null) | null;
  /**
   * Asked when the brokers refuse records for good, and others of the same topic may yet pass: true leaves them out, false
   * ends the producer, as does null. Not asked within transactions, which then cannot be committed.
   */
  readonly onRefused: ((topic: string, count: number, error: IcestreamError) => boolean) | null;
}

export interface TopicCreation {
  /** -1: the brokers' default. */
  readonly partitions: number;
  /** -1: the brokers' default. */
  readonly replicationFactor: number;
  readonly configs: Readonly<Record<string, string>>;
}
