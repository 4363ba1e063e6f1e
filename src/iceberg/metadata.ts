import { gunzipSync } from 'node:zlib';
import { IcestreamError } from '../base/errors.ts';
import { parseJson, printJson } from './json.ts';
import type { PartitionSpec, Schema } from './schema.ts';

/**
 * Table metadata, format version 2, in the JSON form of Appendix C. 64-bit numbers are BigInts. Fields that are not
 * named here (of foreign or later writers) stay in the object and are written back.
 */
export interface TableMetadata {
  readonly 'format-version': number;
  readonly 'table-uuid': string;
  readonly location: string;
  readonly 'last-sequence-number': bigint;
  readonly 'last-updated-ms': bigint;
  readonly 'last-column-id': number;
  readonly schemas: readonly Schema[];
  readonly 'current-schema-id': number;
  readonly 'partition-specs': readonly PartitionSpec[];
  readonly 'default-spec-id': number;
  readonly 'last-partition-id': number;
  readonly 'sort-orders': readonly SortOrder[];
  readonly 'default-sort-order-id': number;
  readonly properties?: Readonly<Record<string, string>>;
  readonly 'current-snapshot-id'?: bigint | null;
  readonly snapshots?: readonly Snapshot[];
  readonly 'snapshot-log'?: readonly SnapshotLogEntry[];
  readonly 'metadata-log'?: readonly MetadataLogEntry[];
  readonly refs?: Readonly<Record<string, SnapshotRef>>;
  readonly statistics?: readonly StatisticsFile[];
  readonly 'partition-statistics'?: readonly StatisticsFile[];
}

export interface SnapshotLogEntry {
  readonly 'timestamp-ms': bigint;
  readonly 'snapshot-id': bigint;
}

export interface MetadataLogEntry {
  readonly 'timestamp-ms': bigint;
  readonly 'metadata-file': string;
}

export interface SortOrder {
  readonly 'order-id': number;
  readonly fields: readonly unknown[];
}

export interface Snapshot {
  readonly 'snapshot-id': bigint;
  readonly 'parent-snapshot-id'?: bigint | null;
  readonly 'sequence-number': bigint;
  readonly 'timestamp-ms': bigint;
  readonly 'manifest-list': string;
  readonly summary: Readonly<Record<string, string>>;
  readonly 'schema-id'?: number;
}

export interface SnapshotRef {
  readonly 'snapshot-id': bigint;
  readonly type: 'branch' | 'tag';
  readonly 'min-snapshots-to-keep'?: number;
  readonly 'max-snapshot-age-ms'?: bigint;
  readonly 'max-ref-age-ms'?: bigint;
}

/** A Puffin or partition statistics file of a snapshot; its other fields are carried along. */
export interface StatisticsFile {
  readonly 'snapshot-id': bigint;
  readonly 'statistics-path': string;
}

export const MAIN_BRANCH = 'main';

/**
 * Reads a metadata file, gzipped or not. Version 1 is brought into the shape of version 2, its `format-version` stays 1.
 * `iceberg.format` for what is not table metadata.
 */
export function parseTableMetadata(bytes: Uint8Array, location: string): TableMetadata {
  try {
    const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
    const json = parseJson<RawMetadata>(Buffer.from(isGzip ? gunzipSync(bytes) : bytes).toString('utf8'));
    return normalizeMetadata(json);
  } catch (cause) {
    throw new IcestreamError('iceberg.format', 'the table metadata file cannot be read', {
      cause,
      context: { path: location },
    });
  }
}

export function printTableMetadata(metadata: TableMetadata): string {
  return printJson(metadata);
}

/** Fields which version 1 writes instead of the lists, or leaves out. */
type RawMetadata = { -readonly [K in keyof TableMetadata]?: TableMetadata[K] } & {
  schema?: Schema;
  'partition-spec'?: PartitionSpec['fields'];
};

/** Metadata as a catalog hands it out, in the shape that this code works on. A TypeError where required fields lack. */
export function normalizeMetadata(raw: object): TableMetadata {
  const metadata: RawMetadata = { ...raw };
  if (typeof metadata['format-version'] !== 'number' || typeof metadata.location !== 'string') {
    throw new TypeError('format-version or location is missing');
  }
  metadata['last-sequence-number'] ??= 0n;
  metadata.schemas ??= [{ ...required(metadata.schema, 'schemas'), 'schema-id': 0 }];
  metadata['current-schema-id'] ??= 0;
  metadata['partition-specs'] ??= [{ 'spec-id': 0, fields: metadata['partition-spec'] ?? [] }];
  metadata['default-spec-id'] ??= 0;
  metadata['partition-specs'] = metadata['partition-specs'].map(withFieldIds);
  metadata['last-partition-id'] ??= lastPartitionId(metadata['partition-specs']);
  metadata['sort-orders'] ??= [{ 'order-id': 0, fields: [] }];
  metadata['default-sort-order-id'] ??= 0;
  // Java wrote -1 where there is no current snapshot.
  if (metadata['current-snapshot-id'] === -1n) metadata['current-snapshot-id'] = null;
  const current = metadata['current-snapshot-id'] ?? null;
  if (current !== null && metadata.refs?.[MAIN_BRANCH] === undefined) {
    metadata.refs = { ...metadata.refs, [MAIN_BRANCH]: { 'snapshot-id': current, type: 'branch' } };
  }
  return metadata as TableMetadata;
}

/** The highest partition field id of the specs; 999 where there is none, so that ids begin at 1000. */
export function lastPartitionId(specs: readonly PartitionSpec[]): number {
  return Math.max(999, ...specs.flatMap((spec) => spec.fields.map((field) => field['field-id'])));
}

/** Version 1 may leave the ids of partition fields out: they count from 1000 in each spec. */
function withFieldIds(spec: PartitionSpec): PartitionSpec {
  if (spec.fields.every((field) => typeof field['field-id'] === 'number')) return spec;
  return { ...spec, fields: spec.fields.map((field, i) => ({ ...field, 'field-id': 1000 + i })) };
}

function required<T>(value: T | undefined, field: string): T {
  if (value === undefined) throw new TypeError(`${field} is missing`);
  return value;
}

export function currentSchema(metadata: TableMetadata): Schema {
  return schemaById(metadata, metadata['current-schema-id']);
}

export function schemaById(metadata: TableMetadata, id: number): Schema {
  const schema = metadata.schemas.find((candidate) => candidate['schema-id'] === id);
  if (schema === undefined) throw missing('schema', id, metadata);
  return schema;
}

export function specById(metadata: TableMetadata, id: number): PartitionSpec {
  const spec = metadata['partition-specs'].find((candidate) => candidate['spec-id'] === id);
  if (spec === undefined) throw missing('partition spec', id, metadata);
  return spec;
}

export function snapshotById(metadata: TableMetadata, id: bigint): Snapshot | null {
  return metadata.snapshots?.find((candidate) => candidate['snapshot-id'] === id) ?? null;
}

/** The snapshot at the head of a branch (or of a tag); null where there is no such reference. */
export function branchHead(metadata: TableMetadata, branch = MAIN_BRANCH): Snapshot | null {
  const id = metadata.refs?.[branch]?.['snapshot-id'];
  return id === undefined ? null : snapshotById(metadata, id);
}

/** A snapshot and its ancestors, newest first, as far as they have not been expired. */
export function* ancestors(metadata: TableMetadata, from: Snapshot | null): Generator<Snapshot> {
  const byId = new Map(metadata.snapshots?.map((snapshot) => [snapshot['snapshot-id'], snapshot]));
  const seen = new Set<bigint>();
  for (let next = from ?? undefined; next !== undefined && !seen.has(next['snapshot-id']); ) {
    yield next;
    seen.add(next['snapshot-id']);
    const parent: bigint | null = next['parent-snapshot-id'] ?? null;
    next = parent === null ? undefined : byId.get(parent);
  }
}

/**
 * Refuses tables that this code may not write (rule L-13): version 1 is upgraded only with consent, version 3 wants row
 * lineage and deletion vectors.
 */
export function assertWritable(metadata: TableMetadata): void {
  const version = metadata['format-version'];
  if (version === 2) return;
  throw new IcestreamError(
    'iceberg.unsupported-table',
    `a table of format version ${version} is not written`,
    {
      context: { location: metadata.location, formatVersion: version },
      hint:
        version === 1
          ? 'Upgrade the table to format version 2 (table property format-version=2) and resume.'
          : 'Use a table of format version 2.',
    },
  );
}

/** An integer property of a table; the default where it is absent or no such number. */
export function intProperty(metadata: TableMetadata, name: string, otherwise: number): number {
  const text = metadata.properties?.[name];
  const value = text === undefined || text.trim() === '' ? Number.NaN : Number(text);
  return Number.isSafeInteger(value) ? value : otherwise;
}

function missing(what: string, id: number, metadata: TableMetadata): IcestreamError {
  return new IcestreamError('iceberg.format', `the table metadata names a ${what} that it does not hold`, {
    context: { id, location: metadata.location },
  });
}
