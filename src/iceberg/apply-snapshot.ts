import { isDeepStrictEqual } from 'node:util';
import { type ApplyState, type Draft, maxOf, refusal } from './draft.ts';
import {
  MAIN_BRANCH,
  type Snapshot,
  type SnapshotRef,
  type StatisticsFile,
  snapshotById,
} from './metadata.ts';
import type { TableUpdate } from './update.ts';

/** Updates of snapshots, references and statistics. False where the update is none of these. */
export function applySnapshotUpdate(draft: Draft, update: TableUpdate, state: ApplyState): boolean {
  switch (update.action) {
    case 'add-snapshot':
      addSnapshot(draft, update.snapshot, state);
      return true;
    case 'set-snapshot-ref': {
      const { action, 'ref-name': name, ...ref } = update;
      setRef(draft, name, ref, state);
      return true;
    }
    case 'remove-snapshot-ref':
      removeRefs(draft, (name) => name === update['ref-name']);
      return true;
    case 'remove-snapshots':
      removeSnapshots(draft, new Set(update['snapshot-ids']));
      return true;
    case 'set-statistics':
      draft.statistics = replaceStatistics(draft.statistics, update.statistics);
      return true;
    case 'remove-statistics':
      draft.statistics = withoutStatistics(draft.statistics, update['snapshot-id']);
      return true;
    case 'set-partition-statistics':
      draft['partition-statistics'] = replaceStatistics(
        draft['partition-statistics'],
        update['partition-statistics'],
      );
      return true;
    case 'remove-partition-statistics':
      draft['partition-statistics'] = withoutStatistics(draft['partition-statistics'], update['snapshot-id']);
      return true;
    default:
      return false;
  }
}

function addSnapshot(draft: Draft, snapshot: Snapshot, state: ApplyState): void {
  const id = snapshot['snapshot-id'];
  if (draft['format-version'] > 2) throw refusal('row lineage of format version 3 is not written', draft);
  if (snapshotById(draft, id) !== null) throw refusal(`there is a snapshot ${id} already`, draft);
  const number = snapshot['sequence-number'] ?? 0n;
  const hasParent = (snapshot['parent-snapshot-id'] ?? null) !== null;
  if (draft['format-version'] > 1 && hasParent && number <= draft['last-sequence-number']) {
    throw refusal(`the sequence number ${number} is not above ${draft['last-sequence-number']}`, draft);
  }
  draft.snapshots = [...(draft.snapshots ?? []), snapshot];
  draft['last-sequence-number'] = maxOf(draft['last-sequence-number'], number);
  draft['last-updated-ms'] = maxOf(draft['last-updated-ms'], snapshot['timestamp-ms']);
  state.timestamped = true;
  state.addedSnapshots.add(id);
}

function setRef(draft: Draft, name: string, ref: SnapshotRef, state: ApplyState): void {
  const id = ref['snapshot-id'];
  const snapshot = snapshotById(draft, id);
  if (snapshot === null) throw refusal(`the reference ${name} points at a snapshot that is not there`, draft);
  if (isDeepStrictEqual(draft.refs?.[name], ref)) return;
  draft.refs = { ...draft.refs, [name]: ref };
  if (name !== MAIN_BRANCH) return;
  if (ref.type !== 'branch') throw refusal('main must be a branch', draft);
  if (draft['current-snapshot-id'] === id) return;
  draft['current-snapshot-id'] = id;
  const at = state.addedSnapshots.has(id) ? draft['last-updated-ms'] : state.nowMs;
  draft['snapshot-log'] = [...(draft['snapshot-log'] ?? []), { 'timestamp-ms': at, 'snapshot-id': id }];
}

function removeRefs(draft: Draft, isRemoved: (name: string, ref: SnapshotRef) => boolean): void {
  const refs = Object.entries(draft.refs ?? {});
  const kept = refs.filter(([name, ref]) => !isRemoved(name, ref));
  if (kept.length === refs.length) return;
  draft.refs = Object.fromEntries(kept);
  if (draft.refs[MAIN_BRANCH] === undefined) {
    draft['current-snapshot-id'] = null;
    draft['snapshot-log'] = [];
  }
}

function removeSnapshots(draft: Draft, ids: ReadonlySet<bigint>): void {
  draft.snapshots = (draft.snapshots ?? []).filter((snapshot) => !ids.has(snapshot['snapshot-id']));
  removeRefs(draft, (_name, ref) => ids.has(ref['snapshot-id']));
  for (const id of ids) {
    draft.statistics = withoutStatistics(draft.statistics, id);
    draft['partition-statistics'] = withoutStatistics(draft['partition-statistics'], id);
  }
  // A gap would make time travel answer wrongly: what lies before a removed entry goes too.
  const log = draft['snapshot-log'] ?? [];
  const lastGap = log.findLastIndex((entry) => ids.has(entry['snapshot-id']));
  draft['snapshot-log'] = log.slice(lastGap + 1);
}

function replaceStatistics(
  list: readonly StatisticsFile[] | undefined,
  file: StatisticsFile,
): readonly StatisticsFile[] {
  return [...(withoutStatistics(list, file['snapshot-id']) ?? []), file];
}

function withoutStatistics(
  list: readonly StatisticsFile[] | undefined,
  snapshotId: bigint,
): readonly StatisticsFile[] | undefined {
  return list?.filter((file) => file['snapshot-id'] !== snapshotId);
}
