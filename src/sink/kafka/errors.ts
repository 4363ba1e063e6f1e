import { setTimeout as delay } from 'node:timers/promises';
import { IcestreamError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { RecordErrorMetrics } from '../../base/metrics.ts';
import type { ConnectRecord } from '../../record/connect-record.ts';
import type { DeadLetters } from './dead-letters.ts';
import type { ErrorSettings } from './errors-config.ts';
import { isRefusedRecord, StageFailure } from './errors-stage.ts';
import { failureText } from './errors-text.ts';

export interface RecordErrorsContext {
  /** `connector-task`, as Connect names tasks. */
  readonly taskId: string;
  readonly settings: ErrorSettings;
  /** With transactions nothing that the producer refuses is tolerated: its transaction cannot be committed. */
  readonly transactional: boolean;
  readonly deadLetters: DeadLetters | null;
  readonly metrics: RecordErrorMetrics;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Connect's first delay between two attempts. */
const RETRY_DELAY_MIN_MS = 300;

/**
 * What becomes of records that fail, as Connect's RetryWithToleranceOperator has it: what may pass is tried again for
 * `errors.retry.timeout`; then `errors.tolerance` says whether the record is left out or the task stops. Either is counted
 * and, where asked for, logged; what is left out becomes a dead letter where there is a topic for it.
 */
export class RecordErrors {
  readonly #context: RecordErrorsContext;

  constructor(context: RecordErrorsContext) {
    this.#context = context;
  }

  /**
   * Says what to do about an error of one record: true, leave it out; false, try it again, now that it was waited for.
   *
   * @param sinceMs when the first attempt began, as `performance.now` has it
   * @throws IcestreamError where it is not tolerated, or no record's fault
   */
  async isLeftOut(
    error: unknown,
    record: ConnectRecord,
    attempts: number,
    sinceMs: number,
  ): Promise<boolean> {
    if (!(error instanceof StageFailure)) throw error;
    if (error.stage === 'KAFKA_PRODUCE') return this.#unsent(error, record);
    const { metrics } = this.#context;
    metrics.failures++;
    if (await this.#isWorthTrying(error, attempts, sinceMs)) {
      metrics.retries++;
      return false;
    }
    metrics.errors++;
    metrics.lastErrorMillis = Date.now();
    this.#log(error, record);
    if (!this.#context.settings.tolerates) throw exceeded(error, record);
    await this.#leaveOut(error, record);
    return true;
  }

  /** Records that the brokers refused after they were sent. False: it is not tolerated. */
  wereRefused(topic: string, count: number, error: IcestreamError): boolean {
    const { settings, metrics, transactional, deadLetters } = this.#context;
    if (!settings.tolerates || transactional || topic === deadLetters?.topic) return false;
    metrics.failures += count;
    metrics.errors += count;
    metrics.lastErrorMillis = Date.now();
    const failure = new StageFailure('KAFKA_PRODUCE', PRODUCES, error);
    this.#log(failure, null, { topic, records: count });
    this.#skip(failure, topic, count);
    return true;
  }

  async #unsent(failure: StageFailure, record: ConnectRecord): Promise<boolean> {
    const { settings, metrics, transactional } = this.#context;
    if (!isRefusedRecord(failure.error)) throw failure.error;
    metrics.failures++;
    metrics.errors++;
    metrics.lastErrorMillis = Date.now();
    this.#log(failure, record);
    if (!settings.tolerates || transactional) throw failure.error;
    await this.#leaveOut(failure, record);
    return true;
  }

  async #isWorthTrying({ error }: StageFailure, attempts: number, sinceMs: number): Promise<boolean> {
    const { settings, signal } = this.#context;
    const leftMs = settings.retryTimeoutMs - (performance.now() - sinceMs);
    if (error.retry !== 'backoff' || leftMs <= 0) return false;
    await delay(Math.min(retryDelayMs(attempts, settings.retryDelayMaxMs), leftMs), undefined, { signal });
    return true;
  }

  async #leaveOut(failure: StageFailure, record: ConnectRecord): Promise<void> {
    this.#skip(failure, record.topic, 1);
    await this.#context.deadLetters?.send(failure, record);
  }

  /** Connect says nothing unless errors.log.enable is set; here the first loss shows, and then ever fewer. */
  #skip({ stage, className, error }: StageFailure, topic: string, count: number): void {
    const { metrics, settings, log } = this.#context;
    const before = metrics.skipped;
    metrics.skipped += count;
    const isMilestone = Math.floor(Math.log2(metrics.skipped)) > Math.floor(Math.log2(before || 0.5));
    if (settings.logs || !isMilestone) return;
    log.warn(
      { stage, class: className, topic, code: error.code, skipped: metrics.skipped },
      'records are left out because errors.tolerance is all',
    );
  }

  #log(failure: StageFailure, record: ConnectRecord | null, facts: Record<string, unknown> = {}): void {
    const { settings, metrics, log, taskId } = this.#context;
    if (!settings.logs) return;
    metrics.logged++;
    log.error(
      { error: failure.error, ...facts },
      failureText(taskId, failure, settings.logsRecords ? record : null),
    );
  }
}

/** Doubling; beyond the longest delay anything below it, so that not all who wait come back at once. */
function retryDelayMs(attempts: number, maxMs: number): number {
  const delayMs = RETRY_DELAY_MIN_MS * 2 ** Math.min(attempts - 1, 40);
  return delayMs > maxMs ? Math.random() * maxMs : delayMs;
}

function exceeded({ stage, className, error }: StageFailure, { topic }: ConnectRecord): IcestreamError {
  return new IcestreamError(error.code, 'Tolerance exceeded in error handler', {
    cause: error,
    context: { stage, class: className, transform: error.context['transform'], topic },
    retry: error.retry,
    hint: error.hint,
  });
}

/** What Connect names as the class that produces. */
export const PRODUCES = 'org.apache.kafka.connect.runtime.WorkerSourceTask';
