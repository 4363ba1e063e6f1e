import type { Offset } from '../record/offset.ts';
import { type Pipeline, Reading } from './reading.ts';

/**
 * Resolves when `stop` aborts, after a last commit, or when the source has nothing more to give; rejects when the source
 * fails, or a sink for good. When one of several sinks fails by something that may pass, the source is read again from
 * where that one is: what it had taken and not made durable is nowhere else.
 *
 * `kill` ends commits, too: it is the limit of a graceful stop.
 */
export async function runPipeline(pipeline: Pipeline, stop: AbortSignal, kill: AbortSignal): Promise<void> {
  let { stored } = pipeline;
  const onDurable = (offset: Offset) => {
    stored = offset;
    pipeline.onDurable(offset);
  };
  let waitsForAll = pipeline.sinks.length === 1;
  for (;;) {
    const reading = new Reading({ ...pipeline, stored, onDurable }, waitsForAll, stop, kill);
    const end = await reading.run();
    if (end === 'over' || stop.aborted) return;
    waitsForAll = end === 'again-with-all';
  }
}
