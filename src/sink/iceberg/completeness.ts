import type { Catalog, LoadedTable } from '../../iceberg/catalog/catalog.ts';
import type { Column, TableSchema } from '../../record/table.ts';
import type { ColumnIdentity } from './evolution.ts';

/** Existing rows of a source table that its lake table lacks, or has in an older form. */
export interface MissingRows {
  /** A sentence for the status, no values. */
  readonly reason: string;
  /** What is in the lake must go: it is another table's. */
  readonly replace: boolean;
}

/**
 * Kept as a table property from the moment it is known until the rows are there, so that no crash in between lets it be
 * forgotten: the lake's schema shows a new column as soon as it is evolved, whatever its older rows have in it.
 */
const INCOMPLETE_PREFIX = 'icestream.incomplete.';

export function incompleteProperty(pipeline: string, missing: MissingRows): Record<string, string> {
  return { [INCOMPLETE_PREFIX + pipeline]: JSON.stringify(missing) };
}

export function readIncomplete({ metadata }: LoadedTable, pipeline: string): MissingRows | null {
  const text = metadata.properties?.[INCOMPLETE_PREFIX + pipeline];
  return text === undefined ? null : (JSON.parse(text) as MissingRows);
}

/**
 * What a table of the source has since its lake table was last brought up to it that no row event tells of (P-3): values
 * of older rows in a new column, other values in one whose type has changed, or other rows altogether.
 */
export function missingRows(identity: ColumnIdentity | null, schema: TableSchema): MissingRows | null {
  if (identity === null) return null;
  if (identity.table !== schema.sourceId) {
    return { reason: 'the table was dropped and created again', replace: true };
  }
  const known = new Map(Object.entries(identity.columns).map(([field, number]) => [number, field]));
  for (const column of schema.columns) {
    if (column.sourceId === null) continue;
    const field = known.get(column.sourceId);
    if (field === undefined) {
      if (!column.hasOlderValues) continue;
      return { reason: `column ${column.name} was added with a default`, replace: false };
    }
    const type = identity.types?.[field];
    if (type !== undefined && type !== typeName(column)) {
      return { reason: `column ${column.name} has changed its type`, replace: false };
    }
  }
  return null;
}

/** Without its parameters: a longer varchar changes no value. */
export function typeName({ sourceType }: Column): string {
  return sourceType.replace(/\(.*?\)/, '');
}

/** Adds the property, or with null takes it away. */
export async function markIncomplete(
  { ident, metadata }: LoadedTable,
  pipeline: string,
  missing: MissingRows | null,
  catalog: Catalog,
  signal: AbortSignal,
): Promise<LoadedTable> {
  const update =
    missing === null
      ? ({ action: 'remove-properties', removals: [INCOMPLETE_PREFIX + pipeline] } as const)
      : ({ action: 'set-properties', updates: incompleteProperty(pipeline, missing) } as const);
  const requirements = [{ type: 'assert-table-uuid', uuid: metadata['table-uuid'] }] as const;
  const [loaded] = await catalog.commit([{ ident, requirements, updates: [update] }], signal);
  return loaded;
}
