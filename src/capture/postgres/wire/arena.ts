import { type ChangeBatch, NO_LEASE } from '../../../record/batch.ts';

const ARENA_MIN = 32 * 1024;
/** The most that a batch within a transaction takes, and a chunk that has not been decoded; wide rows need more. */
const ARENA_MAX = 2304 * 1024;

/** Size of the next arena when the last one needed `used` bytes: a little more, so that a steady stream never grows one. */
export function arenaFor(used: number): number {
  const size = Math.min(ARENA_MAX, used + (used >> 2) + 4096);
  return Math.max(ARENA_MIN, (size + 4095) & ~4095);
}

/**
 * The batch over an arena of its cells alone. For batches whose arena is mostly bytes of tables that are not captured;
 * without it a sink would hold on to them until its commit.
 */
export function compacted(batch: ChangeBatch): ChangeBatch {
  const { cellStart, cellLength, cellCount } = batch;
  let size = 0;
  for (let i = 0; i < cellCount; i++) if (cellLength[i] > 0) size += cellLength[i];
  const bytes = Buffer.allocUnsafeSlow(size);
  const source = batch.bytes as Buffer;
  let at = 0;
  for (let i = 0; i < cellCount; i++) {
    const length = cellLength[i];
    if (length > 0) source.copy(bytes, at, cellStart[i], cellStart[i] + length);
    cellStart[i] = at;
    if (length > 0) at += length;
  }
  return { ...batch, bytes, byteLength: size, lease: NO_LEASE };
}
