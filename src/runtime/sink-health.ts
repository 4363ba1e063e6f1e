import { setTimeout as delay } from 'node:timers/promises';
import { asIcestreamError, IcestreamError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { SinkMetrics } from '../base/metrics.ts';
import type { BacklogState } from './backlog.ts';
import { type RetryPolicy, retryDelayMs } from './states.ts';

/**
 * How one of several sinks fares, over all its openings: what it failed with, how often in a row, what waits for it. It is
 * what the log and the status say of the sink (S-1), and when it is tried again.
 */
export class SinkHealth {
  readonly #sink: string;
  readonly #policy: RetryPolicy;
  readonly #log: Log;
  readonly #onState: (state: SinkMetrics) => void;
  #backlog: BacklogState = { spooledBytes: 0, stalls: false };
  #error: IcestreamError | null = null;
  #isAway = false;
  /** In a row, without anything new that became durable in between. */
  #failures = 0;
  /** Resolves when the instance that failed is closed; before that no other may be opened (O-6). */
  closing: Promise<void> = Promise.resolve();

  constructor(sink: string, policy: RetryPolicy, log: Log, onState: (state: SinkMetrics) => void) {
    this.#sink = sink;
    this.#policy = policy;
    this.#log = log;
    this.#onState = onState;
    this.#report();
  }

  /** Why it is not to be opened at once; null: nothing is known against it. */
  get failure(): IcestreamError | null {
    return this.#failures > 0 ? this.#error : null;
  }

  get failures(): number {
    return this.#failures;
  }

  get delayMs(): number {
    return retryDelayMs(this.#policy, Math.max(0, this.#failures - 1));
  }

  /** @throws IcestreamError what it failed with, where that does not pass, or has not passed often enough */
  failed(thrown: unknown): void {
    const error = asIcestreamError(thrown);
    const { retriesMax } = this.#policy;
    if (error.retry !== 'backoff') throw error;
    if (retriesMax >= 0 && this.#failures >= retriesMax) throw lasting(error);
    this.#failures++;
    this.#error = error;
    this.#isAway = true;
    const facts = { error, sink: this.#sink, failures: this.#failures };
    const text = 'a sink has failed and will be opened again, the others go on';
    // What closes and opens once is ordinary; an outage is told less and less.
    if (Number.isInteger(Math.log2(this.#failures))) this.#log.warn(facts, text);
    this.#report();
  }

  /** It has not failed, but waits for something to pass. */
  waits(error: IcestreamError): void {
    this.#error = error;
    this.#report();
  }

  /** The others begin. */
  away(): void {
    if (!this.#isAway) this.#log.warn({ sink: this.#sink }, 'a sink is not open yet, the others go on');
    this.#isAway = true;
    this.#report();
  }

  opened(): void {
    if (this.#isAway) this.#log.info({ sink: this.#sink }, 'a sink is open and takes what has waited for it');
    this.#isAway = false;
    if (this.#failures === 0) this.#error = null;
    this.#report();
  }

  /** Something new is durable in it. */
  wentOn(): void {
    if (this.#error === null) return;
    this.#failures = 0;
    this.#error = null;
    this.#report();
  }

  waiting(state: BacklogState): void {
    const before = this.#backlog;
    this.#backlog = state;
    const { spooledBytes } = state;
    const sink = this.#sink;
    if (state.stalls && !before.stalls) {
      this.#log.warn({ sink, spooledBytes }, 'the spool of a sink is full: everything waits for this sink');
    } else if (spooledBytes > 0 && before.spooledBytes === 0) {
      this.#log.warn({ sink }, 'a sink takes nothing: what comes for it is spooled, the others go on');
    } else if (spooledBytes === 0 && before.spooledBytes > 0) {
      this.#log.info({ sink }, 'a sink has caught up');
    }
    this.#report();
  }

  /** What waited is read from the source again. */
  dropped(): void {
    this.#backlog = { spooledBytes: 0, stalls: false };
    this.#report();
  }

  /** Until it is to be tried again, and at least `leastMs`. */
  async pause(signal: AbortSignal, leastMs = 0): Promise<void> {
    await delay(Math.max(this.delayMs, leastMs), undefined, { signal });
  }

  #report(): void {
    const error = this.#error;
    this.#onState({
      ...this.#backlog,
      isAway: this.#isAway,
      error: error === null ? null : `${error.code}: ${error.message}`,
    });
  }
}

/** `errors.max.retries` holds for a sink as for the task: nothing tries this again. */
function lasting(cause: IcestreamError): IcestreamError {
  const { code, message, context, hint } = cause;
  return new IcestreamError(code, message, { cause, context, hint, retry: 'operator' });
}
