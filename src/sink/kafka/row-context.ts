import type { TransactionBlock } from '../../record/envelope.ts';
import type { SnapshotMarker } from '../../record/event.ts';

/** What one row is to become, besides its cells. */
export interface RowContext {
  readonly snapshot: SnapshotMarker;
  /** Called once per event, for its place in its transaction; null without transaction metadata. */
  readonly transaction: (() => TransactionBlock) | null;
}
