import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { IcestreamError } from '../../base/errors.ts';
import { failpoint } from '../../base/failpoint.ts';
import type { Log } from '../../base/log.ts';
import type { TaskMetrics } from '../../base/metrics.ts';
import type { Catalog, TableCommit } from '../../iceberg/catalog/catalog.ts';
import type { DataFile } from '../../iceberg/file.ts';
import type { ManifestCache } from '../../iceberg/manifest-cache.ts';
import { type Snapshot, snapshotById } from '../../iceberg/metadata.ts';
import { type PreparedSnapshot, prepareSnapshot } from '../../iceberg/snapshot.ts';
import type { Offset } from '../../record/offset.ts';
import type { CommitIntents } from './intent.ts';
import { type LakeTable, tableReplaced } from './lake-table.ts';
import { isMarked, type Marker, markerProperties, markerSummary, newestCommitIds } from './marker.ts';

/** What a commit does to one table. */
export interface TableChange {
  readonly table: LakeTable;
  readonly dataFiles: readonly DataFile[];
  readonly deleteFiles: readonly DataFile[];
  readonly replaceAll: boolean;
  readonly validThroughMicros: number;
}

export interface CommitContext {
  readonly pipeline: string;
  readonly catalog: Catalog;
  readonly expiry: { readonly maxAgeMs: number; readonly minToKeep: number; readonly maxToKeep: number };
  readonly manifests: ManifestCache;
  readonly intents: CommitIntents;
  readonly metrics: TaskMetrics;
  readonly log: Log;
  /** Told of what is waited for: a catalog that does not answer. */
  readonly onWaiting: (error: IcestreamError) => void;
}

interface Member {
  readonly change: TableChange;
  readonly prepared: PreparedSnapshot;
  done: boolean;
  /** Why this table cannot be committed to, whatever is tried; the others go on. */
  failure: IcestreamError | null;
}

/** What a group commit says in the marker besides its members. */
export interface GroupPosition {
  readonly from: Offset | null;
  readonly to: Offset;
  /** Source tables that have stopped (L-5). */
  readonly stopped: readonly string[];
  /** All lake tables of the pipeline with their UUIDs. */
  readonly tables: Readonly<Record<string, string>>;
}

export interface GroupOutcome {
  readonly committed: readonly TableChange[];
  /** Tables that were dropped, recreated or rolled back meanwhile (O-5): nothing was committed to them. */
  readonly failed: readonly { readonly change: TableChange; readonly error: IcestreamError }[];
}

const RETRY_FIRST_MS = 100;
const RETRY_MAX_MS = 30_000;

/**
 * Commits to all tables of a micro-batch as one group (O-4), and does not give up: conflicts are tried again on the new
 * state, an unknown outcome is resolved by looking for the snapshot ids chosen before (invariant 3), an unreachable
 * catalog is waited for. Ends by error only where an operator has to act, or by `signal`.
 */
export async function commitGroup(
  changes: readonly TableChange[],
  position: GroupPosition,
  context: CommitContext,
  signal: AbortSignal,
): Promise<GroupOutcome> {
  const { from, to, stopped, tables } = position;
  const marker: Marker = {
    commitId: randomUUID(),
    members: changes.map((change) => change.table.name).sort(),
    from: from?.toJSON() ?? null,
    to: to.toJSON(),
    epoch: to.epoch,
    stopped,
    tables,
  };
  const members: Member[] = [];
  for (const change of changes) {
    const prepared = await prepare(change, marker, context);
    members.push({ change, prepared, done: false, failure: null });
  }
  failpoint('commit.prepared');
  await context.intents.write(
    marker.commitId,
    members.map(({ change, prepared }) => ({
      table: change.table.ident,
      uuid: change.table.loaded!.metadata['table-uuid'],
      snapshotId: prepared.snapshotId,
      files: [...change.dataFiles, ...change.deleteFiles].map((file) => file.path),
    })),
  );
  failpoint('commit.intent-written');
  await retry(() => attempt(members, context, signal), members, context, signal);
  const done = members.filter((member) => member.done);
  for (const { change } of done) change.table.commitId = marker.commitId;
  failpoint('commit.done');
  await context.intents.done(marker.commitId);
  for (const member of done) await settle(member, context, signal);
  failpoint('commit.settled');
  return {
    committed: done.map(({ change }) => change),
    failed: members.flatMap(({ change, failure }) => (failure === null ? [] : [{ change, error: failure }])),
  };
}

/** Removes what the commit made unreachable. The commit stands whatever becomes of that. */
async function settle(
  { change, prepared }: Member,
  context: CommitContext,
  signal: AbortSignal,
): Promise<void> {
  try {
    await prepared.settle(change.table.loaded!, signal);
  } catch (error) {
    if (!signal.aborted)
      context.log.warn(
        { error, table: change.table.name },
        'files that nobody needs any more were left behind',
      );
  }
}

async function prepare(
  change: TableChange,
  marker: Marker,
  context: CommitContext,
): Promise<PreparedSnapshot> {
  const { table } = change;
  const snapshotChange = {
    dataFiles: change.dataFiles,
    deleteFiles: change.deleteFiles,
    replaceAll: change.replaceAll,
    summary: markerSummary(context.pipeline, marker, change.validThroughMicros),
    properties: markerProperties(context.pipeline, marker),
    expire: {
      ...context.expiry,
      keep: (snapshot: Snapshot) => isMarked(snapshot, newestCommitIds(table.loaded!.metadata)),
    },
  };
  return prepareSnapshot(table.loaded!, snapshotChange, { cache: context.manifests });
}

async function attempt(
  members: readonly Member[],
  context: CommitContext,
  signal: AbortSignal,
): Promise<void> {
  const open = members.filter(isOpen);
  const commits: TableCommit[] = [];
  for (const { change, prepared } of open) commits.push(await prepared.attempt(change.table.loaded!, signal));
  const loaded = await context.catalog.commit(commits, signal);
  failpoint('commit.attempted');
  open.forEach((member, i) => {
    member.done = true;
    member.change.table.loaded = loaded[i];
  });
}

async function retry(
  run: () => Promise<void>,
  members: readonly Member[],
  context: CommitContext,
  signal: AbortSignal,
): Promise<void> {
  for (let wait = RETRY_FIRST_MS; ; wait = Math.min(wait * 2, RETRY_MAX_MS)) {
    try {
      await run();
      return;
    } catch (error) {
      signal.throwIfAborted();
      if (!mayPass(error) && !isTableGone(error)) throw error;
      if (error.code === 'iceberg.commit-conflict') context.metrics.commitConflicts++;
      else {
        context.metrics.commitFailures++;
        context.onWaiting(error);
      }
      context.log.warn({ error, waitMs: wait }, 'commit did not go through, trying again');
    }
    await delay(wait * (0.5 + Math.random() / 2), undefined, { signal });
    if (await reloadMembers(members, context, signal)) return;
  }
}

/**
 * Loads the tables again before the next attempt and finds out which of them have the commit already, and which can have
 * none. True when nothing is left to do.
 */
async function reloadMembers(
  members: readonly Member[],
  context: CommitContext,
  signal: AbortSignal,
): Promise<boolean> {
  for (let wait = RETRY_FIRST_MS; ; wait = Math.min(wait * 2, RETRY_MAX_MS)) {
    try {
      for (const member of members.filter(isOpen)) await reload(member, context, signal);
      return !members.some(isOpen);
    } catch (error) {
      signal.throwIfAborted();
      if (!mayPass(error)) throw error;
      context.onWaiting(error);
      context.log.warn({ error, waitMs: wait }, 'the catalog cannot be asked, trying again');
    }
    await delay(wait, undefined, { signal });
  }
}

function isOpen({ done, failure }: Member): boolean {
  return !done && failure === null;
}

async function reload(member: Member, context: CommitContext, signal: AbortSignal): Promise<void> {
  const { table } = member.change;
  const uuid = table.loaded!.metadata['table-uuid'];
  try {
    const loaded = await context.catalog.load(table.ident, signal);
    if (loaded.metadata['table-uuid'] !== uuid)
      throw tableReplaced(table.name, 'was dropped and created again');
    table.loaded = loaded;
    member.done = snapshotById(loaded.metadata, member.prepared.snapshotId) !== null;
    if (!member.done) table.checkNewestCommit(context.pipeline);
  } catch (error) {
    if (!isTableGone(error)) throw error;
    const isDropped = error.code !== 'iceberg.table-replaced';
    member.failure = isDropped ? tableReplaced(table.name, 'was dropped') : error;
  }
}

/** Who is fenced has nothing to try again here: the task begins anew. */
function mayPass(error: unknown): error is IcestreamError {
  return error instanceof IcestreamError && error.retry === 'backoff' && error.code !== 'iceberg.fenced';
}

/** True for errors that concern one table alone and that no further attempt will mend. */
export function isTableGone(error: unknown): error is IcestreamError {
  return error instanceof IcestreamError && GONE_CODES.has(error.code);
}

const GONE_CODES = new Set([
  'iceberg.table-replaced',
  'iceberg.table-not-found',
  'iceberg.namespace-not-found',
]);
