import { IcestreamError } from '../../base/errors.ts';
import type { LoadedTable } from '../../iceberg/catalog/catalog.ts';
import { ancestors, branchHead, type Snapshot, type TableMetadata } from '../../iceberg/metadata.ts';
import type { OffsetJson } from '../../record/offset.ts';
import { identText } from './naming.ts';

/**
 * What a commit says of itself in every member table's snapshot summary: which commit it was, of which tables, and from
 * which source position to which. The newest marker is the truth about progress (O-3); local files are not.
 */
export interface Marker {
  readonly commitId: string;
  /** Every table of the commit, as `namespace.table`. */
  readonly members: readonly string[];
  /** Null in the first commit of a pipeline. */
  readonly from: OffsetJson | null;
  readonly to: OffsetJson;
  readonly epoch: number;
  /** Source tables that had stopped by then: their changes up to `to` are not in the lake (L-5). */
  readonly stopped: readonly string[];
  /** All lake tables of the pipeline with their UUIDs, so that one that is gone is missed (O-5). Only in the mirror. */
  readonly tables: Readonly<Record<string, string>>;
}

/** Progress without data: a position that covers nothing new for any table of the pipeline. */
export interface IdleMark {
  readonly to: OffsetJson;
  readonly epoch: number;
  readonly stopped: readonly string[];
}

const KEY = {
  pipeline: 'icestream.pipeline',
  commitId: 'icestream.commit-id',
  members: 'icestream.members',
  from: 'icestream.from',
  to: 'icestream.to',
  epoch: 'icestream.epoch',
  stopped: 'icestream.stopped',
  validThrough: 'icestream.valid-through-ts',
} as const;

const markerProperty = (pipeline: string) => `icestream.marker.${pipeline}`;
const idleProperty = (pipeline: string) => `icestream.idle.${pipeline}`;

/** `validThroughMicros`: commit time at the source of the newest change, microseconds since 1970. */
export function markerSummary(
  pipeline: string,
  marker: Marker,
  validThroughMicros: number,
): Record<string, string> {
  return {
    [KEY.pipeline]: pipeline,
    [KEY.commitId]: marker.commitId,
    [KEY.members]: JSON.stringify(marker.members),
    [KEY.from]: JSON.stringify(marker.from),
    [KEY.to]: JSON.stringify(marker.to),
    [KEY.epoch]: String(marker.epoch),
    [KEY.stopped]: JSON.stringify(marker.stopped),
    [KEY.validThrough]: String(Math.floor(validThroughMicros / 1000)),
  };
}

/** The mirror of the marker, which outlives the expiry of its snapshot (O-7). */
export function markerProperties(pipeline: string, marker: Marker): Record<string, string> {
  return { [markerProperty(pipeline)]: JSON.stringify(marker) };
}

export function idleProperties(pipeline: string, idle: IdleMark): Record<string, string> {
  return { [idleProperty(pipeline)]: JSON.stringify(idle) };
}

export function readIdle(metadata: TableMetadata, pipeline: string): IdleMark | null {
  const text = metadata.properties?.[idleProperty(pipeline)];
  return text === undefined ? null : (JSON.parse(text) as IdleMark);
}

/**
 * The newest marker of a pipeline in the history of the table's main branch; where its snapshot has expired, the mirror.
 *
 * @throws IcestreamError iceberg.table-replaced when the mirror knows of a commit that the branch no longer has: the
 * table was rolled back (O-5)
 */
export function readMarker(table: LoadedTable, pipeline: string): Marker | null {
  const mirror = readMirror(table.metadata, pipeline);
  const snapshot = newestMarked(table.metadata, pipeline);
  if (snapshot === null) return mirror;
  const marker = parseMarker(snapshot, mirror);
  if (mirror !== null && mirror.commitId !== marker.commitId) {
    throw new IcestreamError(
      'iceberg.table-replaced',
      `${identText(table.ident)} was rolled back behind commit ${mirror.commitId} of this connector`,
      { context: { table: identText(table.ident), commit: mirror.commitId, found: marker.commitId } },
    );
  }
  return marker;
}

/** Whether this snapshot carries the newest marker of any pipeline on its branch: it is not to be expired (O-7). */
export function isMarked(snapshot: Snapshot, commitIds: ReadonlySet<string>): boolean {
  const id = snapshot.summary[KEY.commitId];
  return id !== undefined && commitIds.has(id);
}

/** Commit ids of the newest markers of all pipelines that write this table. */
export function newestCommitIds(metadata: TableMetadata): Set<string> {
  const prefix = markerProperty('');
  const ids = Object.entries(metadata.properties ?? {})
    .filter(([key]) => key.startsWith(prefix))
    .map(([, text]) => (JSON.parse(text) as Marker).commitId);
  return new Set(ids);
}

/** What the newest commit said, also of a table that was rolled back behind it. */
export function readMirror(metadata: TableMetadata, pipeline: string): Marker | null {
  const text = metadata.properties?.[markerProperty(pipeline)];
  return text === undefined ? null : (JSON.parse(text) as Marker);
}

function newestMarked(metadata: TableMetadata, pipeline: string): Snapshot | null {
  for (const snapshot of ancestors(metadata, branchHead(metadata))) {
    if (snapshot.summary[KEY.pipeline] === pipeline) return snapshot;
  }
  return null;
}

function parseMarker(snapshot: Snapshot, mirror: Marker | null): Marker {
  const { summary } = snapshot;
  return {
    commitId: summary[KEY.commitId],
    members: JSON.parse(summary[KEY.members]) as string[],
    from: JSON.parse(summary[KEY.from]) as OffsetJson | null,
    to: JSON.parse(summary[KEY.to]) as OffsetJson,
    epoch: Number(summary[KEY.epoch]),
    stopped: JSON.parse(summary[KEY.stopped] ?? '[]') as string[],
    tables: mirror?.tables ?? {},
  };
}
