import { randomUUID } from 'node:crypto';
import { IcestreamError } from '../base/errors.ts';
import { highestFieldId } from './apply-schema.ts';
import type { CreateTable } from './catalog/catalog.ts';
import { lastPartitionId, type TableMetadata } from './metadata.ts';
import type { PartitionField, PartitionSpec } from './schema.ts';

/**
 * The first metadata of a table. Field ids are kept as the schema gives them. Specs keep their order and get the ids 0,
 * 1, ...; the last one is the default, so that an unpartitioned spec 0 can stand before the real one (rule L-3).
 */
export function newTableMetadata(
  table: CreateTable,
  location: string,
  nowMs: number = Date.now(),
): TableMetadata {
  const { 'format-version': version = '2', ...properties } = table.properties;
  if (version !== '2') {
    throw new IcestreamError(
      'iceberg.unsupported-table',
      `tables of format version ${version} are not made`,
      {
        context: { formatVersion: version },
      },
    );
  }
  const specs = numberSpecs(table.specs);
  return {
    'format-version': 2,
    'table-uuid': randomUUID(),
    location: location.replace(/\/+$/, ''),
    'last-sequence-number': 0n,
    'last-updated-ms': BigInt(nowMs),
    'last-column-id': highestFieldId(table.schema),
    'current-schema-id': 0,
    schemas: [{ ...table.schema, type: 'struct', 'schema-id': 0 }],
    'default-spec-id': specs.length - 1,
    'partition-specs': specs,
    'last-partition-id': lastPartitionId(specs),
    'default-sort-order-id': 0,
    'sort-orders': [{ 'order-id': 0, fields: [] }],
    properties,
    refs: {},
    snapshots: [],
    'snapshot-log': [],
    'metadata-log': [],
  };
}

/** Equivalent fields of several specs have one id (specification, "Partition Evolution"); ids begin at 1000. */
function numberSpecs(specs: readonly PartitionSpec[]): PartitionSpec[] {
  const given = specs.length === 0 ? [{ 'spec-id': 0, fields: [] }] : specs;
  const ids = new Map<string, number>();
  let last = 999;
  return given.map((spec, i) => ({
    'spec-id': i,
    fields: spec.fields.map((field: PartitionField) => {
      const key = `${field['source-id']} ${field.transform}`;
      let id = ids.get(key);
      if (id === undefined) ids.set(key, (id = ++last));
      return { ...field, 'field-id': id };
    }),
  }));
}

/** `<location>/metadata/<name>`, or under `write.metadata.path`. */
export function metadataPath(metadata: TableMetadata, name: string): string {
  const folder = metadata.properties?.['write.metadata.path']?.replace(/\/+$/, '');
  return `${folder ?? `${metadata.location}/metadata`}/${name}`;
}

/** `<location>/data/<name>`, or under `write.data.path`. */
export function dataPath(metadata: TableMetadata, name: string): string {
  const folder = metadata.properties?.['write.data.path']?.replace(/\/+$/, '');
  return `${folder ?? `${metadata.location}/data`}/${name}`;
}

/** The name of the metadata file after the one at `previous` (null: the first): `00001-<uuid>.metadata.json`. */
export function nextMetadataPath(metadata: TableMetadata, previous: string | null): string {
  const match = previous === null ? null : /^v?(\d+)[-.]/.exec(previous.slice(previous.lastIndexOf('/') + 1));
  const version = previous === null ? 0 : Number(match?.[1] ?? 0) + 1;
  const gzip = metadata.properties?.['write.metadata.compression-codec']?.toLowerCase() === 'gzip';
  const extension = gzip ? '.gz.metadata.json' : '.metadata.json';
  return metadataPath(metadata, `${String(version).padStart(5, '0')}-${randomUUID()}${extension}`);
}
