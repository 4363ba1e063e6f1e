import { failpoint } from '../base/failpoint.ts';
import type { Source } from '../capture/source.ts';
import type { Offset } from '../record/offset.ts';
import type { CommitPolicy, Sink } from '../sink/sink.ts';
import type { Backlog } from './backlog.ts';
import { Feed } from './feed.ts';
import type { Gate } from './gate.ts';
import { Lane } from './lane.ts';

export interface Pipeline {
  readonly source: Source;
  readonly sinks: readonly PipelineSink[];
  /** The store's offset: where sinks that hold none of their own begin. */
  readonly stored: Offset | null;
  /** Closed while the connector is paused. */
  readonly gate: Gate;
  /** Durable in every sink, after the source was told. */
  readonly onDurable: (offset: Offset) => void;
  /** Reading begins. */
  readonly onRunning: () => void;
}

export interface PipelineSink {
  readonly sink: Sink;
  readonly policy: CommitPolicy;
  /** What it has not taken yet, where there are others that go on meanwhile; null: whoever reads waits for it. */
  readonly backlog: Backlog | null;
}

/**
 * The one loop: a source's batches go to every sink; what is durable in all of them is acknowledged. Resolves when `stop`
 * aborts, after a last commit, or when the source has nothing more to give; rejects when source or sink fail.
 *
 * `kill` ends commits, too: it is the limit of a graceful stop.
 */
export async function runPipeline(pipeline: Pipeline, stop: AbortSignal, kill: AbortSignal): Promise<void> {
  const { source } = pipeline;
  const failed = new AbortController();
  const reading = AbortSignal.any([stop, failed.signal]);
  const ending = AbortSignal.any([kill, failed.signal]);
  const lanes = await openLanes(pipeline, failed, ending);
  const feeds: Feed[] = [];
  try {
    const from = startOf(lanes, pipeline);
    for (const lane of lanes) {
      lane.readsFrom(from);
      lane.sink.begins?.(from);
    }
    lanes.forEach((lane, i) => {
      feeds.push(new Feed(lane, pipeline.sinks[i].backlog, (error) => failed.abort(error)));
    });
    rereadStopped(pipeline);
    pipeline.onRunning();
    for await (const batch of source.read(from, reading)) {
      for (const feed of feeds) await feed.take(batch, reading);
      batch.lease.release();
      if (pipeline.gate.closed) await paused(feeds, pipeline.gate, reading);
      if (reading.aborted) break;
    }
    failed.signal.throwIfAborted();
    for (const feed of feeds) await feed.end(!stop.aborted, ending);
  } catch (error) {
    // What aborted the reading is the reason; what the reading says of it is not.
    throw failed.signal.aborted ? failed.signal.reason : error;
  } finally {
    for (const feed of feeds) await feed.close();
    for (const lane of lanes) await lane.settled();
    for (const lane of lanes) await lane.sink.close();
    for (const feed of feeds) await feed.ended();
  }
}

/** What was read before becomes durable, and nothing more is read until the gate opens. */
async function paused(feeds: readonly Feed[], gate: Gate, reading: AbortSignal): Promise<void> {
  try {
    for (const feed of feeds) await feed.flushed(reading);
    await gate.opened(reading);
  } catch (error) {
    ignoreAbort(reading)(error);
  }
}

/** L-5: tables that had stopped are read anew, in place of what the sinks have of them. */
export function rereadStopped({ source, sinks }: Pick<Pipeline, 'source' | 'sinks'>): void {
  const tables = new Set(sinks.flatMap(({ sink }) => sink.needsSnapshot));
  source.reread?.([...tables], 'replace');
}

async function openLanes(pipeline: Pipeline, failed: AbortController, signal: AbortSignal): Promise<Lane[]> {
  const lanes: Lane[] = [];
  const onDurable = () => acknowledge(lanes, pipeline);
  for (const { sink, policy } of pipeline.sinks) {
    const own = await sink.open(signal);
    lanes.push(new Lane(sink, policy, own, signal, onDurable, (error) => failed.abort(error)));
  }
  return lanes;
}

/**
 * The earliest position from which nothing is missing anywhere. Offsets set by hand (an epoch above 0) count where a sink
 * has none of its own; otherwise a sink without one has nothing. Alone it has everything read anew (O-3), and beside others
 * that are within the initial snapshot, too. Where those stream they go on, and it asks for the rows of before itself (L-12).
 */
function startOf(lanes: readonly Lane[], pipeline: Pipeline): Offset | null {
  const { stored, source } = pipeline;
  let from: Offset | null = null;
  for (const lane of lanes) {
    lane.durable ??= stored !== null && stored.epoch > 0 ? stored : null;
    if (lane.durable === null) continue;
    from = from === null ? lane.durable : source.offsets.min(from, lane.durable);
  }
  if (from?.initialSnapshot && lanes.some(({ durable }) => durable === null)) return null;
  return from;
}

function acknowledge(lanes: readonly Lane[], pipeline: Pipeline): void {
  let least: Offset | null = null;
  for (const { durable } of lanes) {
    if (durable === null) return;
    least = least === null ? durable : pipeline.source.offsets.min(least, durable);
  }
  if (least === null) return;
  failpoint('pipeline.before-ack');
  pipeline.source.ack(least);
  failpoint('pipeline.acked');
  pipeline.onDurable(least);
}

function ignoreAbort(signal: AbortSignal): (error: unknown) => void {
  return (error) => {
    if (!signal.aborted) throw error;
  };
}
