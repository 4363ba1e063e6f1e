import type { IcestreamError } from '../../base/errors.ts';
import type { ConnectRecord, RecordTransform, Transformed } from '../../record/connect-record.ts';
import type { RecordErrors } from './errors.ts';
import { StageFailure } from './errors-stage.ts';
import type { RecordEncoder } from './record-encoder.ts';

export interface RecordSenderOptions {
  readonly transform: RecordTransform | null;
  readonly encoder: RecordEncoder;
  /** What becomes of records that cannot be transformed, converted or sent. */
  readonly errors: RecordErrors;
  /** Makes a topic ready for records; null: it is. */
  prepare(topic: string): Promise<void> | null;
}

/** Whole records through transforms and converters, in order. Nothing is waited for that is at hand. */
export class RecordSender {
  readonly #options: RecordSenderOptions;

  constructor(options: RecordSenderOptions) {
    this.#options = options;
  }

  /** Null: all are sent. */
  send(records: readonly ConnectRecord[], from = 0): Promise<void> | null {
    for (let i = from; i < records.length; i++) {
      const wait = this.#try(records[i]);
      if (wait !== null) return this.#settle(records[i], wait).then(() => this.send(records, i + 1)!);
    }
    return null;
  }

  /** Waits for a record's first attempt and makes what further ones it is worth. */
  async #settle(record: ConnectRecord, first: Promise<void>): Promise<void> {
    const sinceMs = performance.now();
    let wait: Promise<void> | null = first;
    for (let attempt = 1; wait !== null; attempt++) {
      try {
        await wait;
        return;
      } catch (error) {
        if (await this.#options.errors.isLeftOut(error, record, attempt, sinceMs)) return;
      }
      wait = this.#try(record);
    }
  }

  /** A failure always comes by the promise. */
  #try(record: ConnectRecord): Promise<void> | null {
    try {
      const transformed = this.#transformed(record);
      if (transformed instanceof Promise) return transformed.then((it) => this.#encode(it)!);
      return this.#encode(transformed);
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  #encode(transformed: Transformed): Promise<void> | null {
    if (transformed === null) return null;
    const { encoder, prepare } = this.#options;
    const preparing = prepare(transformed.topic);
    return preparing === null ? encoder.send(transformed) : preparing.then(() => encoder.send(transformed)!);
  }

  #transformed(record: ConnectRecord): Transformed | Promise<Transformed> {
    const { transform } = this.#options;
    try {
      const transformed = transform === null ? record : transform.apply(record);
      return transformed instanceof Promise ? transformed.catch(failed) : transformed;
    } catch (error) {
      return failed(error);
    }
  }
}

function failed(error: unknown): never {
  const className = String((error as Partial<IcestreamError>).context?.['class']);
  throw new StageFailure('TRANSFORMATION', className, error);
}
