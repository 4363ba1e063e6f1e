import { failpoint } from '../base/failpoint.ts';
import type { Log } from '../base/log.ts';
import type { Source } from '../capture/source.ts';
import type { Offset } from '../record/offset.ts';
import type { Sink } from '../sink/sink.ts';
import { Feed } from './feed.ts';
import type { Gate } from './gate.ts';
import { Lane } from './lane.ts';
import { aborted, type Opened, Opening, openInTime, type PipelineSink } from './opening.ts';

export interface Pipeline {
  readonly source: Source;
  readonly sinks: readonly PipelineSink[];
  /** The store's offset: where sinks that hold none of their own begin. */
  readonly stored: Offset | null;
  /** Closed while the connector is paused. */
  readonly gate: Gate;
  readonly log: Log;
  /** Durable in every sink, after the source was told. */
  readonly onDurable: (offset: Offset) => void;
  /** Reading begins. */
  readonly onRunning: () => void;
}

/** `again`: a sink failed by something that may pass. `again-with-all`: what was read is not enough for one that came late. */
export type ReadingEnd = 'over' | 'again' | 'again-with-all';

/** One sink in one reading. */
interface Seat {
  readonly of: PipelineSink;
  readonly opening: Opening;
  readonly feed: Feed;
  /** Null while the sink is not open. */
  lane: Lane | null;
  /** Aborts when it has failed: its commit ends. */
  readonly down: AbortController;
}

/** When one sink has failed the others have so long to make durable what they have taken; it would be read again. */
const FLUSH_MS = 30_000;

/**
 * The one loop, from one begin of the source's reading to its end: batches go to every sink, what is durable in all of
 * them is acknowledged. Of several sinks those that cannot be opened now join later: what comes until then waits for them.
 */
export class Reading {
  readonly #pipeline: Pipeline;
  readonly #stop: AbortSignal;
  readonly #kill: AbortSignal;
  readonly #waitsForAll: boolean;
  readonly #failed = new AbortController();
  readonly #again = new AbortController();
  readonly #closed = new AbortController();
  readonly #caughtUp = Promise.withResolvers<void>();
  readonly #seats: Seat[] = [];
  #end: ReadingEnd = 'over';
  /** Durable everywhere: what a sink that is not open has at least. */
  #known: Offset | null;

  constructor(pipeline: Pipeline, waitsForAll: boolean, stop: AbortSignal, kill: AbortSignal) {
    this.#pipeline = pipeline;
    this.#stop = stop;
    this.#kill = kill;
    this.#known = pipeline.stored;
    // Where nothing is known of a sink there is no place to begin at without it.
    this.#waitsForAll = waitsForAll || pipeline.stored === null;
  }

  async run(): Promise<ReadingEnd> {
    const { source, gate, onRunning } = this.#pipeline;
    const reading = AbortSignal.any([this.#stop, this.#failed.signal, this.#again.signal]);
    try {
      const from = await this.#begin();
      onRunning();
      for await (const batch of source.read(from, reading)) {
        for (const { feed } of this.#seats) await feed.take(batch, reading);
        batch.lease.release();
        if (gate.closed) await this.#paused(reading);
        if (reading.aborted) break;
      }
      this.#failed.signal.throwIfAborted();
      await this.#finish();
      return this.#end;
    } catch (error) {
      // What aborted the reading is the reason; what the reading says of it is not.
      throw this.#failed.signal.aborted ? this.#failed.signal.reason : error;
    } finally {
      await this.#close();
    }
  }

  /** Opens what can be opened; resolves with where the reading begins. */
  async #begin(): Promise<Offset | null> {
    await this.#open();
    const openings = this.#seats.map(({ opening }) => opening);
    const all = () => Promise.all(openings.map(({ opened }) => opened));
    if (this.#waitsForAll) await all();
    // While none is open there is nobody whom one that has failed would hold up.
    else await openInTime(openings, this.#caughtUp.resolve);
    let from = this.#startOf();
    if (from === null) {
      await all();
      from = this.#startOf();
    }
    for (const seat of this.#seats) {
      if (seat.opening.result !== null) this.#join(seat, seat.opening.result, from);
      else this.#await(seat, from!);
    }
    const inTime = this.#seats.flatMap(({ lane }) => lane?.caughtUp ?? []);
    void Promise.all(inTime).then(() => this.#caughtUp.resolve());
    return from;
  }

  async #open(): Promise<void> {
    const { sinks, stored, log } = this.#pipeline;
    const signal = AbortSignal.any([this.#ending, this.#closed.signal]);
    const caughtUp = this.#waitsForAll ? null : this.#caughtUp.promise;
    for (const of of sinks) {
      const feed = new Feed((await of.beside?.backlog()) ?? null, (error) => this.#fail(seat, error));
      const opening = new Opening(of, stored, caughtUp, log, signal);
      const seat: Seat = { of, opening, feed, lane: null, down: new AbortController() };
      this.#seats.push(seat);
    }
  }

  get #ending(): AbortSignal {
    return AbortSignal.any([this.#kill, this.#failed.signal]);
  }

  /**
   * The earliest position from which nothing is missing anywhere. A sink without one has nothing. Alone it has everything
   * read anew (O-3), and beside others that are within the initial snapshot, too. Where those stream they go on, and it
   * asks for the rows of before itself (L-12).
   */
  #startOf(): Offset | null {
    const { stored, source } = this.#pipeline;
    const held = this.#seats.map(({ opening: { result } }) =>
      result === null ? stored : this.#holds(result),
    );
    let from: Offset | null = null;
    for (const offset of held) {
      if (offset !== null) from = from === null ? offset : source.offsets.min(from, offset);
    }
    return from?.initialSnapshot && held.includes(null) ? null : from;
  }

  /** Offsets set by hand (an epoch above 0) count where a sink has none of its own. */
  #holds({ own }: Opened): Offset | null {
    const { stored } = this.#pipeline;
    return own ?? (stored !== null && stored.epoch > 0 ? stored : null);
  }

  #join(seat: Seat, opened: Opened, from: Offset | null): void {
    const { of, down, feed } = seat;
    const { sink } = opened;
    const signal = AbortSignal.any([this.#ending, down.signal]);
    const onDurable = (isNew: boolean) => {
      if (isNew) of.beside?.health.wentOn();
      this.#acknowledge();
    };
    const onError = (error: unknown) => this.#fail(seat, error);
    const lane = new Lane(sink, of.policy, this.#holds(opened), signal, onDurable, onError);
    seat.lane = lane;
    lane.readsFrom(from);
    sink.begins?.(from);
    rereadStopped(this.#pipeline.source, [sink]);
    feed.begin(lane);
  }

  /** The sink joins when it is open; what comes until then waits for it. */
  #await(seat: Seat, from: Offset): void {
    const { opening, of } = seat;
    of.beside?.health.away();
    const joining = opening.opened.then((opened) => {
      if (this.#closed.signal.aborted) return;
      const held = this.#holds(opened);
      const isEnough = held !== null && this.#pipeline.source.offsets.min(from, held).compare(from) >= 0;
      if (isEnough) this.#join(seat, opened, from);
      else this.#readAgain('again-with-all');
    });
    joining.catch((error) => {
      if (!this.#closed.signal.aborted) this.#failed.abort(error);
    });
  }

  #fail({ of, down }: Seat, error: unknown): void {
    if (down.signal.aborted || this.#failed.signal.aborted || this.#closed.signal.aborted) return;
    const health = of.beside?.health ?? null;
    if (health === null || this.#known === null || this.#stop.aborted) return this.#failed.abort(error);
    try {
      health.failed(error);
    } catch (final) {
      return this.#failed.abort(final);
    }
    down.abort(error);
    this.#readAgain('again');
  }

  #readAgain(end: ReadingEnd): void {
    if (this.#end !== 'again-with-all') this.#end = end;
    this.#again.abort();
  }

  #acknowledge(): void {
    const { source, stored, onDurable } = this.#pipeline;
    let least: Offset | null = null;
    for (const { lane } of this.#seats) {
      const durable = lane === null ? stored : lane.durable;
      if (durable === null) return;
      least = least === null ? durable : source.offsets.min(least, durable);
    }
    if (least === null || least === this.#known) return;
    this.#known = least;
    failpoint('pipeline.before-ack');
    source.ack(least);
    failpoint('pipeline.acked');
    onDurable(least);
  }

  /** What was read before becomes durable, and nothing more is read until the gate opens. */
  async #paused(reading: AbortSignal): Promise<void> {
    const flushed = this.#seats.map(async (seat) => {
      try {
        await seat.feed.flushed(reading);
      } catch (error) {
        if (!reading.aborted) this.#fail(seat, error);
      }
    });
    try {
      await Promise.all(flushed);
      await this.#pipeline.gate.opened(reading);
    } catch (error) {
      if (!reading.aborted) throw error;
    }
  }

  /** The last commits. */
  async #finish(): Promise<void> {
    const isAgain = this.#again.signal.aborted;
    const limit = isAgain ? AbortSignal.timeout(FLUSH_MS) : this.#again.signal;
    const ending = AbortSignal.any([this.#ending, limit]);
    const finished = this.#seats.map(async (seat) => {
      const signal = AbortSignal.any([ending, seat.down.signal]);
      try {
        await Promise.race([seat.feed.end(!this.#stop.aborted && !isAgain, signal), aborted(signal)]);
      } catch (error) {
        if (signal.aborted) seat.down.abort();
        else this.#fail(seat, error);
      }
    });
    await Promise.all(finished);
    this.#failed.signal.throwIfAborted();
  }

  async #close(): Promise<void> {
    this.#closed.abort();
    for (const { feed, of } of this.#seats) {
      await feed.close();
      of.beside?.health.dropped();
    }
    for (const seat of this.#seats) {
      const closing = this.#end === 'over' ? closed(seat) : closed(seat).catch((error) => this.#warn(error));
      const health = seat.of.beside?.health;
      // Whatever keeps it from closing, it is this sink alone that is not opened before.
      if (health !== undefined && seat.down.signal.aborted && this.#end !== 'over') health.closing = closing;
      else await closing;
    }
  }

  #warn(error: unknown): void {
    this.#pipeline.log.warn({ error }, 'a sink did not close in order');
  }
}

/** L-5: tables that had stopped are read anew, in place of what the sinks have of them. */
export function rereadStopped(source: Source, sinks: Iterable<Sink>): void {
  const tables = new Set([...sinks].flatMap((sink) => sink.needsSnapshot));
  source.reread?.([...tables], 'replace');
}

async function closed({ opening, lane, feed }: Seat): Promise<void> {
  const opened = await opening.opened.catch(() => null); // Whoever waited for it has been told.
  await lane?.settled();
  await opened?.sink.close();
  await feed.ended();
}
