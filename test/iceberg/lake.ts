import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Catalog, LoadedTable, TableIdent } from '../../src/iceberg/catalog/catalog.ts';
import { openSqlCatalog } from '../../src/iceberg/catalog/sql.ts';
import type { DataFile, FileContent, PartitionValue } from '../../src/iceberg/file.ts';
import type { ManifestCache } from '../../src/iceberg/manifest-cache.ts';
import type { PartitionSpec, Schema } from '../../src/iceberg/schema.ts';
import { type PreparedSnapshot, prepareSnapshot, type SnapshotChange } from '../../src/iceberg/snapshot.ts';
import { LocalStorage } from '../../src/iceberg/storage/local.ts';
import type { Storage } from '../../src/iceberg/storage.ts';
import { encodeValue } from '../../src/iceberg/values.ts';

/** A SQL catalog over SQLite and a warehouse in a folder of its own, gone with `dispose`. */
export async function openLake(storage: Storage = new LocalStorage()): Promise<{
  folder: string;
  uri: string;
  catalog: Catalog;
  /** Another client of the same catalog. */
  reopen(): Promise<Catalog>;
  [Symbol.asyncDispose](): Promise<void>;
}> {
  const folder = mkdtempSync(join(tmpdir(), 'icestream-lake-'));
  const uri = `jdbc:sqlite:${folder}/catalog.db`;
  const opened: Catalog[] = [];
  const reopen = async () => {
    const properties = { uri, warehouse: join(folder, 'warehouse') };
    const catalog = await openSqlCatalog('lake', properties, async () => storage);
    opened.push(catalog);
    return catalog;
  };
  const catalog = await reopen();
  return {
    folder,
    uri,
    catalog,
    reopen,
    async [Symbol.asyncDispose]() {
      for (const each of opened) await each.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export const SCHEMA: Schema = {
  type: 'struct',
  'schema-id': 0,
  'identifier-field-ids': [1],
  fields: [
    { id: 1, name: 'id', required: true, type: 'long' },
    { id: 2, name: 'name', required: false, type: 'string' },
    { id: 3, name: 'region', required: false, type: 'string' },
  ],
};

export const UNPARTITIONED: PartitionSpec = { 'spec-id': 0, fields: [] };
export const BY_REGION: PartitionSpec = {
  'spec-id': 1,
  fields: [{ 'source-id': 3, 'field-id': 1000, name: 'region', transform: 'identity' }],
};

export async function createTable(
  catalog: Catalog,
  name: string,
  options: { specs?: readonly PartitionSpec[]; properties?: Record<string, string>; schema?: Schema } = {},
): Promise<LoadedTable> {
  const ident: TableIdent = { namespace: ['shop'], name };
  await catalog.ensureNamespace(ident.namespace);
  return catalog.create({
    ident,
    schema: options.schema ?? SCHEMA,
    specs: options.specs ?? [UNPARTITIONED],
    properties: options.properties ?? {},
  });
}

let fileCount = 0;

/** An entry for a file that need not exist, with the bounds of a key column `id`. */
export function fileEntry(
  content: FileContent,
  options: {
    ids?: readonly [number, number];
    records?: number;
    specId?: number;
    partition?: readonly PartitionValue[];
    path?: string;
  } = {},
): DataFile {
  const records = BigInt(options.records ?? 10);
  const [low, high] = options.ids ?? [0, 1_000_000];
  return {
    content,
    path: options.path ?? `/nowhere/${content}-${++fileCount}.parquet`,
    specId: options.specId ?? 0,
    partition: options.partition ?? [],
    recordCount: records,
    fileSizeBytes: 1000n,
    metrics: {
      columnSizes: new Map([[1, 100n]]),
      valueCounts: new Map([[1, records]]),
      nullValueCounts: new Map([[1, 0n]]),
      nanValueCounts: new Map(),
      lowerBounds: new Map([[1, encodeValue('long', BigInt(low))]]),
      upperBounds: new Map([[1, encodeValue('long', BigInt(high))]]),
    },
    splitOffsets: [4n],
    equalityIds: content === 'equality-deletes' ? [1] : null,
    sortOrderId: content === 'position-deletes' ? null : 0,
  };
}

/** Prepares and commits once, without a retry. */
export async function commitChange(
  catalog: Catalog,
  table: LoadedTable,
  change: Partial<SnapshotChange>,
  cache?: ManifestCache,
): Promise<{ table: LoadedTable; prepared: PreparedSnapshot }> {
  const prepared = await prepareSnapshot(
    table,
    { dataFiles: [], deleteFiles: [], summary: {}, ...change },
    { cache },
  );
  const [committed] = await catalog.commit([await prepared.attempt(table)]);
  await prepared.settle(committed);
  return { table: committed, prepared };
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
