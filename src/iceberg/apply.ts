import { applySchemaUpdate } from './apply-schema.ts';
import { applySnapshotUpdate } from './apply-snapshot.ts';
import { type ApplyState, type Draft, maxOf, refusal } from './draft.ts';
import { intProperty, type MetadataLogEntry, type TableMetadata } from './metadata.ts';
import type { TableUpdate } from './update.ts';

/**
 * Table metadata after the updates of a commit, by the rules that REST catalogs apply. The metadata log is the caller's
 * part (`withPrevious`). `iceberg.catalog-error` for updates that make no sense, as a server's 400.
 */
export function applyUpdates(
  base: TableMetadata,
  updates: readonly TableUpdate[],
  nowMs: number = Date.now(),
): TableMetadata {
  if (updates.length === 0) return base;
  const draft: Draft = { ...base };
  const state: ApplyState = {
    nowMs: maxOf(BigInt(nowMs), base['last-updated-ms']),
    lastSchemaId: null,
    lastSpecId: null,
    lastSortOrderId: null,
    addedSnapshots: new Set(),
    timestamped: false,
  };
  for (const update of updates) applyUpdate(draft, update, state);
  if (!state.timestamped) draft['last-updated-ms'] = state.nowMs;
  return dropIntermediateLog(draft, state);
}

/** The metadata with its predecessor in the log, the log cut to `write.metadata.previous-versions-max` entries. */
export function withPrevious(
  next: TableMetadata,
  previous: TableMetadata,
  previousLocation: string,
): { metadata: TableMetadata; dropped: readonly MetadataLogEntry[] } {
  const max = Math.max(1, intProperty(next, 'write.metadata.previous-versions-max', 100));
  const log = previous['metadata-log'] ?? [];
  const kept = log.slice(Math.max(0, log.length - max + 1));
  const entry = { 'timestamp-ms': previous['last-updated-ms'], 'metadata-file': previousLocation };
  return {
    metadata: { ...next, 'metadata-log': [...kept, entry] },
    dropped: log.slice(0, log.length - kept.length),
  };
}

function applyUpdate(draft: Draft, update: TableUpdate, state: ApplyState): void {
  switch (update.action) {
    case 'assign-uuid':
      draft['table-uuid'] = update.uuid;
      return;
    case 'upgrade-format-version':
      upgrade(draft, update['format-version']);
      return;
    case 'set-location':
      draft.location = update.location.replace(/\/+$/, '');
      return;
    case 'set-properties':
      draft.properties = { ...draft.properties, ...update.updates };
      return;
    case 'remove-properties': {
      const removals = new Set(update.removals);
      const kept = Object.entries(draft.properties ?? {}).filter(([key]) => !removals.has(key));
      draft.properties = Object.fromEntries(kept);
      return;
    }
    default:
      if (applySchemaUpdate(draft, update, state) || applySnapshotUpdate(draft, update, state)) return;
      throw refusal(`the update ${update.action} is not known`, draft);
  }
}

function upgrade(draft: Draft, version: number): void {
  const current = draft['format-version'];
  if (version === current) return;
  if (version < current || version > 2) {
    throw refusal(`a table of format version ${current} cannot become ${version}`, draft);
  }
  draft['format-version'] = version;
  // What version 1 wrote beside the lists must not contradict them later.
  const old = draft as { schema?: unknown; 'partition-spec'?: unknown };
  delete old.schema;
  delete old['partition-spec'];
}

/** A snapshot that was current only within this commit was never seen by a reader: the log leaves it out. */
function dropIntermediateLog(draft: Draft, state: ApplyState): TableMetadata {
  const log = draft['snapshot-log'];
  if (log === undefined || state.addedSnapshots.size === 0) return draft;
  const current = draft['current-snapshot-id'] ?? null;
  draft['snapshot-log'] = log.filter(
    (entry) => entry['snapshot-id'] === current || !state.addedSnapshots.has(entry['snapshot-id']),
  );
  return draft;
}
