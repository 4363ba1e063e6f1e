import { IcestreamError } from '../../base/errors.ts';
import type { Catalog, LoadedTable, TableIdent } from '../../iceberg/catalog/catalog.ts';
import type { Offset } from '../../record/offset.ts';
import type { SinkContext } from '../sink.ts';
import type { IcebergSinkConfig } from './config.ts';
import { type CommitContext, isTableGone } from './group-commit.ts';
import { type LakeTable, loadIfThere } from './lake-table.ts';
import { type IdleMark, idleProperties, readIdle, readMarker, readMirror } from './marker.ts';
import { identText, mayHoldTables } from './naming.ts';
import { type LakePosition, lakePosition, type MarkedTable } from './position.ts';

/** What is in the catalog of a pipeline when its sink opens. */
export interface LakeState {
  /** Null: nothing of this pipeline is there. */
  readonly position: LakePosition | null;
  /** Our newest commit to each table, of whatever epoch. Another one found later is another instance's (O-6). */
  readonly commits: ReadonlyMap<string, string>;
}

/** Where the lake stands, read from the catalog alone (O-3). */
export async function openLake(
  catalog: Catalog,
  config: IcebergSinkConfig,
  context: SinkContext,
  signal: AbortSignal,
): Promise<LakeState> {
  const tables: MarkedTable[] = [];
  for (const ident of await ourTables(catalog, config, signal)) {
    const table = await loadIfThere(catalog, ident, signal);
    if (table === null) continue;
    tables.push({
      name: identText(ident),
      uuid: table.metadata['table-uuid'],
      idle: readIdle(table.metadata, context.connector),
      ...readHistory(table, context.connector),
    });
  }
  const marked = tables.filter((table) => table.marker !== null);
  return {
    position: lakePosition(tables, context.offsets, context.epoch, context.log),
    commits: new Map(marked.map((table) => [table.name, table.marker!.commitId])),
  };
}

function readHistory(table: LoadedTable, pipeline: string): Pick<MarkedTable, 'marker' | 'rolledBack'> {
  try {
    return { marker: readMarker(table, pipeline), rolledBack: null };
  } catch (error) {
    if (!(error instanceof IcestreamError) || error.code !== 'iceberg.table-replaced') throw error;
    return { marker: readMirror(table.metadata, pipeline), rolledBack: 'was rolled back' };
  }
}

async function ourTables(
  catalog: Catalog,
  config: IcebergSinkConfig,
  signal: AbortSignal,
): Promise<TableIdent[]> {
  const idents: TableIdent[] = [];
  for (const namespace of await catalog.listNamespaces(signal)) {
    if (mayHoldTables(config, namespace)) idents.push(...(await catalog.list(namespace, signal)));
  }
  return idents;
}

const IDLE_INTERVAL_MS = 60_000;
let lastIdleMillis = 0;

/**
 * Progress without data, written to one table as a property: the database may only forget what the lake knows to be
 * behind it, so the position moves there before it is acknowledged. Not oftener than once a minute.
 */
export async function commitIdle(
  tables: readonly LakeTable[],
  position: Offset | null,
  offset: Offset,
  stopped: readonly string[],
  context: CommitContext,
  signal: AbortSignal,
): Promise<boolean> {
  if (position !== null && offset.compare(position) <= 0) return false;
  if (position !== null && Date.now() - lastIdleMillis < IDLE_INTERVAL_MS) return false;
  const loaded = tables.filter((table) => table.loaded !== null);
  // A stopped table can bear the mark as well, but others first: it may be gone.
  for (const table of loaded.sort((a, b) => Number(a.failure !== null) - Number(b.failure !== null))) {
    try {
      await markIdle(table, { to: offset.toJSON(), epoch: offset.epoch, stopped }, context, signal);
      lastIdleMillis = Date.now();
      return true;
    } catch (error) {
      if (!isTableGone(error)) throw error;
      context.log.warn({ error, table: table.name }, 'the position cannot be kept in this table');
    }
  }
  return true;
}

async function markIdle(
  table: LakeTable,
  mark: IdleMark,
  context: CommitContext,
  signal: AbortSignal,
): Promise<void> {
  const uuid = table.loaded!.metadata['table-uuid'];
  const updates = idleProperties(context.pipeline, mark);
  const commit = {
    ident: table.ident,
    requirements: [{ type: 'assert-table-uuid', uuid }],
    updates: [{ action: 'set-properties', updates }],
  } as const;
  [table.loaded] = await context.catalog.commit([commit], signal);
}
