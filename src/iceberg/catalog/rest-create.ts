import { newTableMetadata } from '../create.ts';
import type { TableMetadata } from '../metadata.ts';
import type { TableUpdate } from '../update.ts';
import type { CreateTable, TableCommit } from './catalog.ts';

/** CreateTableRequest. The server gives the ids of fields and specs; only the first spec can be told. */
export function createRequest(table: CreateTable, staged: boolean): Record<string, unknown> {
  return {
    name: table.ident.name,
    location: table.location,
    schema: table.schema,
    'partition-spec': staged ? undefined : table.specs[0],
    'stage-create': staged,
    properties: { 'format-version': '2', ...table.properties },
  };
}

/**
 * The commit that makes a staged table. `staged` is what the server proposed: its location and its own properties count;
 * schema and specs are ours, so that their ids are the ones asked for (rule L-3: spec 0 may have to be unpartitioned).
 */
export function createCommit(table: CreateTable, staged: TableMetadata): TableCommit {
  const wanted = newTableMetadata(table, staged.location);
  const updates: TableUpdate[] = [
    { action: 'assign-uuid', uuid: staged['table-uuid'] ?? wanted['table-uuid'] },
    { action: 'upgrade-format-version', 'format-version': wanted['format-version'] },
    { action: 'add-schema', schema: wanted.schemas[0], 'last-column-id': wanted['last-column-id'] },
    { action: 'set-current-schema', 'schema-id': -1 },
    ...wanted['partition-specs'].map((spec): TableUpdate => ({ action: 'add-spec', spec })),
    { action: 'set-default-spec', 'spec-id': -1 },
    { action: 'add-sort-order', 'sort-order': wanted['sort-orders'][0] },
    { action: 'set-default-sort-order', 'sort-order-id': -1 },
    { action: 'set-location', location: staged.location },
    { action: 'set-properties', updates: { ...staged.properties, ...wanted.properties } },
  ];
  return { ident: table.ident, requirements: [{ type: 'assert-create' }], updates };
}
