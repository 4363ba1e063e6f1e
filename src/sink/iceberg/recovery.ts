import type { Catalog, TableIdent } from '../../iceberg/catalog/catalog.ts';
import type { Offset } from '../../record/offset.ts';
import type { SinkContext } from '../sink.ts';
import type { IcebergSinkConfig } from './config.ts';
import type { CommitContext } from './group-commit.ts';
import { type LakeTable, loadIfThere } from './lake-table.ts';
import { idleProperties, readIdle, readMarker } from './marker.ts';
import { identText, mayHoldTables } from './naming.ts';
import { type LakePosition, lakePosition, type MarkedTable } from './position.ts';

/** Where the lake stands, read from the catalog alone (O-3). Null: nothing of this pipeline is there. */
export async function openPosition(
  catalog: Catalog,
  config: IcebergSinkConfig,
  context: SinkContext,
  signal: AbortSignal,
): Promise<LakePosition | null> {
  const tables: MarkedTable[] = [];
  for (const ident of await ourTables(catalog, config, signal)) {
    const table = await loadIfThere(catalog, ident, signal);
    if (table === null) continue;
    tables.push({
      name: identText(ident),
      marker: readMarker(table, context.connector),
      idle: readIdle(table.metadata, context.connector),
    });
  }
  return lakePosition(tables, context.offsets, context.epoch, context.log);
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
  const table = tables.find((candidate) => candidate.loaded !== null && candidate.failure === null);
  if (table === undefined) return true;
  const { metadata } = table.loaded!;
  const updates = idleProperties(context.pipeline, { to: offset.toJSON(), epoch: offset.epoch, stopped });
  [table.loaded] = await context.catalog.commit(
    [
      {
        ident: table.ident,
        requirements: [{ type: 'assert-table-uuid', uuid: metadata['table-uuid'] }],
        updates: [{ action: 'set-properties', updates }],
      },
    ],
    signal,
  );
  lastIdleMillis = Date.now();
  return true;
}
