import type { Log } from '../../base/log.ts';
import type { Offset, OffsetCodec } from '../../record/offset.ts';
import type { IdleMark, Marker } from './marker.ts';

export interface MarkedTable {
  readonly name: string;
  readonly uuid: string;
  readonly marker: Marker | null;
  readonly idle: IdleMark | null;
  /** Why its content is not what the marker says; null while it is. */
  readonly rolledBack: string | null;
}

export interface LakePosition {
  readonly offset: Offset;
  /** Tables that hold more than `offset` says, by what they hold: rows up to there are skipped when they come again. */
  readonly ahead: ReadonlyMap<string, Offset>;
  /** Tables that were dropped, recreated or rolled back since the pipeline wrote them (O-5), and how that shows. */
  readonly lost: ReadonlyMap<string, string>;
  /** Source tables that had stopped (L-5). */
  readonly stopped: readonly string[];
  /** Every table of the pipeline by name, and its UUID. */
  readonly tables: Readonly<Record<string, string>>;
}

/**
 * Where the lake stands (O-4): the newest commit's `to` if every member holds it, else its `from`. A lost table holds
 * nobody back: it has to be read anew whatever the position is. Null where no table bears a marker of this pipeline in
 * this or a later epoch.
 */
export function lakePosition(
  tables: readonly MarkedTable[],
  offsets: OffsetCodec,
  epoch: number,
  log: Log,
): LakePosition | null {
  const marked = tables.filter((table) => table.marker !== null && table.marker.epoch >= epoch);
  const idle = newestIdle(tables, offsets, epoch);
  if (marked.length === 0)
    return idle === null ? null : { ...idle, ahead: new Map(), lost: new Map(), tables: {} };

  const held = new Map(
    marked.map((table) => [table.name, offsets.parse(table.marker!.to, table.marker!.epoch)]),
  );
  const newest = marked.reduce((a, b) => (held.get(b.name)!.compare(held.get(a.name)!) > 0 ? b : a)).marker!;
  const lost = lostTables(tables, newest);
  const behind = newest.members.filter((name) => {
    const table = tables.find((candidate) => candidate.name === name);
    return !lost.has(name) && table?.marker?.commitId !== newest.commitId;
  });
  if (behind.length === 0) {
    const to = offsets.parse(newest.to, newest.epoch);
    const isIdleNewer = idle !== null && idle.offset.compare(to) > 0;
    const stand = isIdleNewer ? idle : { offset: to, stopped: newest.stopped };
    return { ...stand, ahead: new Map(), lost, tables: newest.tables };
  }
  if (newest.from === null) {
    log.warn(
      { commit: newest.commitId, behind },
      'the first commit did not reach every table, starting over',
    );
    return null;
  }
  const from = offsets.parse(newest.from, newest.epoch);
  const ahead = new Map([...held].filter(([, offset]) => offset.compare(from) > 0));
  return { offset: from, ahead, lost, stopped: newest.stopped, tables: newest.tables };
}

function lostTables(tables: readonly MarkedTable[], newest: Marker): Map<string, string> {
  const lost = new Map<string, string>();
  for (const [name, uuid] of Object.entries(newest.tables)) {
    const table = tables.find((candidate) => candidate.name === name);
    if (table === undefined) lost.set(name, 'was dropped');
    else if (table.uuid !== uuid) lost.set(name, 'was dropped and created again');
    else if (table.rolledBack !== null) lost.set(name, table.rolledBack);
  }
  return lost;
}

function newestIdle(
  tables: readonly MarkedTable[],
  offsets: OffsetCodec,
  epoch: number,
): Pick<LakePosition, 'offset' | 'stopped'> | null {
  let newest: Pick<LakePosition, 'offset' | 'stopped'> | null = null;
  for (const { idle } of tables) {
    if (idle === null || idle.epoch < epoch) continue;
    const offset = offsets.parse(idle.to, idle.epoch);
    if (newest === null || offset.compare(newest.offset) > 0) newest = { offset, stopped: idle.stopped };
  }
  return newest;
}
