import {
  ancestors,
  intProperty,
  MAIN_BRANCH,
  type Snapshot,
  type SnapshotRef,
  snapshotById,
  type TableMetadata,
} from './metadata.ts';
import type { TableUpdate } from './update.ts';

export interface ExpireOptions {
  /** Snapshots older than this go; default `history.expire.max-snapshot-age-ms`, else 5 days. */
  readonly maxAgeMs?: number;
  /** So many of each branch stay, however old; default `history.expire.min-snapshots-to-keep`, else 1. */
  readonly minToKeep?: number;
  /** More than so many of a branch do not stay, however young: metadata that grows would slow commits down (L-11). */
  readonly maxToKeep?: number;
  /** Expires only when so many can go at once, and at most `maxPerCommit`: the work of one commit is bounded. */
  readonly minPerCommit?: number;
  readonly maxPerCommit?: number;
  /** Snapshots that stay whatever else holds, such as those with the newest markers (rule O-7). */
  readonly keep?: (snapshot: Snapshot) => boolean;
  readonly nowMs?: number;
}

export interface Expiry {
  readonly updates: readonly TableUpdate[];
  /** What `updates` removes, oldest first. */
  readonly expired: readonly Snapshot[];
}

const NOTHING: Expiry = { updates: [], expired: [] };
const FIVE_DAYS_MS = 5 * 24 * 60 * 60 * 1000;

/**
 * Snapshots that may go, as updates that ride along in a commit (specification, "Snapshot Retention Policy"). Heads of
 * branches and tags stay; so does every snapshot of a table with `gc.enabled=false`.
 */
export function expireSnapshots(metadata: TableMetadata, options: ExpireOptions = {}): Expiry {
  if (metadata.properties?.['gc.enabled'] === 'false') return NOTHING;
  const nowMs = BigInt(options.nowMs ?? Date.now());
  const staleRefs = findStaleRefs(metadata, nowMs);
  const retained = retainedIds(metadata, staleRefs, options, nowMs);
  const candidates = (metadata.snapshots ?? [])
    .filter((snapshot) => !retained.has(snapshot['snapshot-id']) && !options.keep?.(snapshot))
    .sort((a, b) => Number(a['sequence-number'] - b['sequence-number']))
    .slice(0, options.maxPerCommit ?? 100);
  const expired = candidates.length < (options.minPerCommit ?? 1) ? [] : candidates;
  const updates: TableUpdate[] = staleRefs.map((name) => ({
    action: 'remove-snapshot-ref',
    'ref-name': name,
  }));
  if (expired.length > 0) {
    const ids = expired.map((snapshot) => snapshot['snapshot-id']);
    updates.push({ action: 'remove-snapshots', 'snapshot-ids': ids });
  }
  return updates.length === 0 ? NOTHING : { updates, expired };
}

/** References past their own age; main never is. */
function findStaleRefs(metadata: TableMetadata, nowMs: bigint): string[] {
  const general = intProperty(metadata, 'history.expire.max-ref-age-ms', Number.MAX_SAFE_INTEGER);
  return Object.entries(metadata.refs ?? {})
    .filter(([name, ref]) => {
      if (name === MAIN_BRANCH) return false;
      const snapshot = snapshotById(metadata, ref['snapshot-id']);
      const maxAge = ref['max-ref-age-ms'] ?? BigInt(general);
      return snapshot === null || nowMs - snapshot['timestamp-ms'] > maxAge;
    })
    .map(([name]) => name);
}

function retainedIds(
  metadata: TableMetadata,
  staleRefs: readonly string[],
  options: ExpireOptions,
  nowMs: bigint,
): Set<bigint> {
  const maxAge = BigInt(
    options.maxAgeMs ?? intProperty(metadata, 'history.expire.max-snapshot-age-ms', FIVE_DAYS_MS),
  );
  const minToKeep = options.minToKeep ?? intProperty(metadata, 'history.expire.min-snapshots-to-keep', 1);
  const retained = new Set<bigint>();
  const referenced = new Set<bigint>();
  for (const [name, ref] of Object.entries(metadata.refs ?? {})) {
    if (staleRefs.includes(name)) continue;
    const limits = {
      cutoff: nowMs - (ref['max-snapshot-age-ms'] ?? maxAge),
      minToKeep: Math.max(1, ref['min-snapshots-to-keep'] ?? minToKeep),
      maxToKeep: options.maxToKeep ?? Number.POSITIVE_INFINITY,
    };
    retainRef(metadata, ref, limits, retained, referenced);
  }
  // What no branch leads to (a rollback left it) stays for as long as it is young.
  for (const snapshot of metadata.snapshots ?? []) {
    const id = snapshot['snapshot-id'];
    if (!referenced.has(id) && snapshot['timestamp-ms'] >= nowMs - maxAge) retained.add(id);
  }
  return retained;
}

interface Limits {
  readonly cutoff: bigint;
  readonly minToKeep: number;
  readonly maxToKeep: number;
}

function retainRef(
  metadata: TableMetadata,
  ref: SnapshotRef,
  limits: Limits,
  retained: Set<bigint>,
  referenced: Set<bigint>,
): void {
  const head = snapshotById(metadata, ref['snapshot-id']);
  if (head === null) return;
  if (ref.type === 'tag') {
    retained.add(head['snapshot-id']);
    return;
  }
  let count = 0;
  let isRetaining = true;
  for (const snapshot of ancestors(metadata, head)) {
    referenced.add(snapshot['snapshot-id']);
    const isYoung = snapshot['timestamp-ms'] >= limits.cutoff && count < limits.maxToKeep;
    // The first that may go ends the line: a branch's history has no holes.
    isRetaining &&= count < limits.minToKeep || isYoung;
    if (isRetaining) retained.add(snapshot['snapshot-id']);
    count++;
  }
}
