import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../base/log.ts';
import type { Offset } from '../record/offset.ts';
import type { CommitPolicy, Sink } from '../sink/sink.ts';
import type { Backlog } from './backlog.ts';
import type { SinkHealth } from './sink-health.ts';

export interface PipelineSink {
  /** An instance that is not open. `stored`: the store's offset of now. */
  create(stored: Offset | null): Promise<Sink>;
  readonly policy: CommitPolicy;
  /** Where there are several: the others go on without it while it cannot be opened or takes nothing. Null: alone. */
  readonly beside: Beside | null;
}

export interface Beside {
  readonly health: SinkHealth;
  /** What it has not taken yet. Each reading has one of its own. */
  backlog(): Promise<Backlog>;
}

export interface Opened {
  readonly sink: Sink;
  /** What the sink itself holds as committed. */
  readonly own: Offset | null;
}

/** How long sinks that take their time are waited for once another one is open. */
const GRACE_MS = 2000;
/** How long others may take until they are where they were, before a sink that has failed is opened; doubles with each failure. */
const CATCH_UP_MS = 60_000;
const CATCH_UP_MS_MAX = 3_600_000;

/** One sink on its way to being open, however often that is tried. */
export class Opening {
  /** Rejects with what does not pass, or when `signal` aborts. */
  readonly opened: Promise<Opened>;
  /** Settles when it is open or known not to be at once. */
  readonly atOnce: Promise<unknown>;
  result: Opened | null = null;

  /**
   * `caughtUp`: the others are where they were before this sink failed. Null: this sink is waited for, and what it fails
   * with is final.
   */
  constructor(
    of: PipelineSink,
    stored: Offset | null,
    caughtUp: Promise<void> | null,
    log: Log,
    signal: AbortSignal,
  ) {
    const notAtOnce = Promise.withResolvers<never>();
    const health = of.beside?.health ?? null;
    const again = health === null || caughtUp === null ? null : { health, caughtUp };
    this.opened = open(of, stored, again, notAtOnce.reject, log, signal).then((opened) => {
      health?.opened();
      this.result = opened;
      return opened;
    });
    this.atOnce = Promise.race([this.opened, notAtOnce.promise]);
    // Whoever waits for the one may not wait for the other.
    this.opened.catch(() => {});
    this.atOnce.catch(() => {});
  }
}

interface Again {
  readonly health: SinkHealth;
  readonly caughtUp: Promise<void>;
}

async function open(
  of: PipelineSink,
  stored: Offset | null,
  again: Again | null,
  notAtOnce: (error: unknown) => void,
  log: Log,
  signal: AbortSignal,
): Promise<Opened> {
  if (of.beside !== null) await Promise.race([of.beside.health.closing, aborted(signal)]);
  const failure = again?.health.failure ?? null;
  if (again !== null && failure !== null) {
    notAtOnce(failure);
    await heldBack(again, signal);
  }
  for (;;) {
    const sink = await of.create(stored);
    try {
      return { sink, own: await sink.open(signal) };
    } catch (error) {
      await sink.close().catch((cause) => log.warn({ error: cause }, 'a sink did not close in order'));
      if (again === null || signal.aborted) throw error;
      again.health.failed(error);
      notAtOnce(error);
      await again.health.pause(signal);
    }
  }
}

/**
 * A sink that opens and fails, again and again, has everything read from where it is each time: the others get at least
 * as long for what is new to them as they took to get there.
 */
async function heldBack({ health, caughtUp }: Again, signal: AbortSignal): Promise<void> {
  const since = performance.now();
  const limitMs = Math.min(CATCH_UP_MS * 2 ** health.failures, CATCH_UP_MS_MAX);
  const over = new AbortController();
  const limit = delay(limitMs, undefined, { signal: AbortSignal.any([signal, over.signal]) });
  limit.catch(() => {}); // Nobody waits for it any more when it is over.
  await Promise.race([caughtUp, limit]);
  over.abort();
  await health.pause(signal, performance.now() - since);
}

/**
 * Resolves when one is open and the others are as well, or have had their time. `onNobody`: none is after that time.
 * @throws what the first failed with, where none can be opened at once
 */
export async function openInTime(openings: readonly Opening[], onNobody: () => void): Promise<void> {
  const atOnce = openings.map((opening) => opening.atOnce);
  const nobody = setTimeout(onNobody, GRACE_MS);
  try {
    // One that was not open at once may be before another that is still on its way.
    await Promise.race([Promise.any(atOnce), Promise.any(openings.map(({ opened }) => opened))]);
  } catch (error) {
    throw (error as AggregateError).errors[0];
  } finally {
    clearTimeout(nobody);
  }
  const over = new AbortController();
  const grace = delay(GRACE_MS, undefined, { signal: over.signal }).catch(() => {});
  await Promise.race([Promise.allSettled(atOnce), grace]);
  over.abort();
}

/** Rejects when `signal` aborts. */
export function aborted(signal: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  if (signal.aborted) reject(signal.reason);
  else signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  return promise;
}
