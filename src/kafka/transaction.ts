import {
  addPartitionsToTxnV3,
  endTxnV1,
  endTxnV3,
  findCoordinatorV3,
  initProducerIdV1,
  initProducerIdV2,
  initProducerIdV3,
  initProducerIdV4,
} from '@platformatic/kafka';
import { codeIn, isPassing, refusal } from './broker-error.ts';
import { type Broker, type Brokers, isUnreachable } from './brokers.ts';
import { whileUnreachable } from './cluster.ts';
import type { Identity, PartitionQueue } from './partition-queue.ts';
import type { ProducerOptions } from './producer-options.ts';
import { backOff, unlessAborted } from './wait.ts';

const INIT = [initProducerIdV4.api, initProducerIdV3.api];
const INIT_PLAIN = [...INIT, initProducerIdV2.api, initProducerIdV1.api];
const FIND_COORDINATOR = [findCoordinatorV3.api];
const ADD_PARTITIONS = [addPartitionsToTxnV3.api];
const END = [endTxnV3.api, endTxnV1.api];
const KEY_TYPE_TRANSACTION = 1;

/** An identity for a producer without transactions: each call gives another one. Waits for a broker. */
export async function plainIdentity(
  brokers: Brokers,
  options: ProducerOptions,
  signal: AbortSignal,
): Promise<Identity> {
  return await whileUnreachable(options.log, signal, async () => {
    for (let attempt = 1; ; attempt++) {
      const broker = await brokers.any(signal);
      try {
        return await unlessAborted(broker.call(INIT_PLAIN, null, options.transactionTimeoutMs), signal).then(
          ({ producerId, producerEpoch }) => ({ producerId, epoch: producerEpoch }),
        );
      } catch (error) {
        const code = codeIn(error);
        if (code === null) throw error;
        if (!isPassing(code)) throw refusal(code, null, {});
      }
      await backOff(attempt, signal);
    }
  });
}

/** The requests of a transactional producer to its coordinator; each is repeated until it is answered for good. */
export class Transactions {
  readonly #brokers: Brokers;
  readonly #options: ProducerOptions;
  readonly #id: string;
  #coordinator: Broker | null = null;

  constructor(brokers: Brokers, options: ProducerOptions, id: string) {
    this.#brokers = brokers;
    this.#options = options;
    this.#id = id;
  }

  /**
   * The identity to go on with. Without `current`, ends what an earlier producer of this id left open and fences it off;
   * with it, aborts the transaction that it has open.
   *
   * @throws IcestreamError kafka.fenced where another producer of this id came after `current`
   */
  async init(current: Identity | null, signal: AbortSignal): Promise<Identity> {
    const { transactionTimeoutMs } = this.#options;
    const answer = await this.#ask(signal, (broker) =>
      current === null
        ? broker.call(INIT, this.#id, transactionTimeoutMs)
        : broker.call(INIT, this.#id, transactionTimeoutMs, current.producerId, current.epoch),
    );
    return { producerId: answer.producerId, epoch: answer.producerEpoch };
  }

  /** Must be answered before anything is sent to these partitions in a transaction. */
  async add(by: Identity, partitions: readonly PartitionQueue[], signal: AbortSignal): Promise<void> {
    const byTopic = Map.groupBy(partitions, (it) => it.topic);
    const topics = [...byTopic].map(([name, ofTopic]) => ({
      name,
      partitions: ofTopic.map((it) => it.index),
    }));
    const request = { ...this.#who(by), verifyOnly: false, topics };
    await this.#ask(signal, (broker) => broker.call(ADD_PARTITIONS, [request]));
  }

  async end(by: Identity, committed: boolean, signal: AbortSignal): Promise<void> {
    const { transactionalId, producerId, producerEpoch } = this.#who(by);
    await this.#ask(signal, (broker) =>
      broker.call(END, transactionalId, producerId, producerEpoch, committed),
    );
  }

  #who(by: Identity) {
    return { transactionalId: this.#id, producerId: by.producerId, producerEpoch: by.epoch };
  }

  async #ask<R>(signal: AbortSignal, request: (broker: Broker) => Promise<R>): Promise<R> {
    for (let attempt = 1; ; attempt++) {
      try {
        const broker = await this.#find(signal);
        return await unlessAborted(request(broker), signal);
      } catch (error) {
        const code = codeIn(error);
        if (code === null && !isUnreachable(error)) throw error;
        if (code !== null && !isPassing(code)) throw refusal(code, null, { transactionalId: this.#id });
        if (code !== CONCURRENT_TRANSACTIONS) this.#coordinator = null;
        await backOff(code === CONCURRENT_TRANSACTIONS ? 1 : attempt, signal);
      }
    }
  }

  async #find(signal: AbortSignal): Promise<Broker> {
    if (this.#coordinator?.isConnected) return this.#coordinator;
    const any = await this.#brokers.any(signal);
    const answer = await unlessAborted(any.call(FIND_COORDINATOR, KEY_TYPE_TRANSACTION, [this.#id]), signal);
    const { host, port } = answer.coordinators[0]!;
    this.#coordinator = await this.#brokers.at({ host, port }, signal);
    return this.#coordinator;
  }
}

const CONCURRENT_TRANSACTIONS = 51;

/** A producer without idempotence is nobody. */
export const NOBODY: Identity = { producerId: -1n, epoch: -1 };
