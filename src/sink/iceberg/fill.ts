import type { ChangeBatch } from '../../record/batch.ts';
import type { TableWork } from './micro-batch.ts';
import type { Overlay } from './overlay.ts';
import { type TableMerge, UNRESOLVED } from './table-merge.ts';
import { unknownValue } from './write-changes.ts';

/**
 * Fills in unchanged large values that are neither in the micro-batch nor in a before-image.
 *
 * @throws IcestreamError table.unchanged-value where a value is found nowhere
 */
export async function fillUnchanged(
  work: TableWork,
  merge: TableMerge,
  _batches: ChangeBatch[],
  _overlay: Overlay,
): Promise<void> {
  for (let entry = 0; entry < merge.index.count; entry++) {
    if ((merge.flags[entry] & UNRESOLVED) !== 0) throw unknownValue(work.table.source, 'a large column');
  }
}
