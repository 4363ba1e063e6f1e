import { IcestreamError } from '../base/errors.ts';
import { AvroFileWriter, type AvroRecord, readAvroFile } from './avro.ts';
import { MANIFEST_FILE_SCHEMA } from './manifest-schema.ts';
import type { Snapshot } from './metadata.ts';
import type { FieldSummary } from './partition.ts';

export type ManifestContent = 'data' | 'deletes';

/** One manifest of a snapshot (specification, "Manifest Lists"). Counts are -1 where a version 1 writer left them out. */
export interface ManifestFile {
  readonly path: string;
  readonly length: bigint;
  readonly specId: number;
  readonly content: ManifestContent;
  /** Of the commit that added the manifest; added entries inherit it. */
  readonly sequenceNumber: bigint;
  /** Lowest data sequence number of the live files in the manifest. */
  readonly minSequenceNumber: bigint;
  readonly addedSnapshotId: bigint;
  readonly addedFiles: number;
  readonly existingFiles: number;
  readonly deletedFiles: number;
  readonly addedRows: bigint;
  readonly existingRows: bigint;
  readonly deletedRows: bigint;
  /** Per field of the partition spec; null where unknown. */
  readonly partitions: readonly FieldSummary[] | null;
  readonly keyMetadata: Uint8Array | null;
}

export function printManifestList(
  snapshot: Pick<Snapshot, 'snapshot-id' | 'parent-snapshot-id' | 'sequence-number'>,
  manifests: readonly ManifestFile[],
): Buffer {
  const file = new AvroFileWriter(MANIFEST_FILE_SCHEMA, {
    'snapshot-id': String(snapshot['snapshot-id']),
    'parent-snapshot-id': String(snapshot['parent-snapshot-id'] ?? null),
    'sequence-number': String(snapshot['sequence-number']),
    'format-version': '2',
  });
  for (const manifest of manifests) file.append(manifestRecord(manifest));
  return file.finish();
}

export function readManifestList(bytes: Buffer, location: string): ManifestFile[] {
  return Array.from(readAvroFile(bytes, location).records(), manifestOf);
}

/** Files that the manifest says are in the snapshot; an unknown count counts as some. */
export function liveFileCount(manifest: ManifestFile): number {
  return Math.abs(manifest.addedFiles) + Math.abs(manifest.existingFiles);
}

function manifestRecord(manifest: ManifestFile): AvroRecord {
  if (Math.min(manifest.addedFiles, manifest.existingFiles, manifest.deletedFiles) < 0) {
    throw new IcestreamError(
      'iceberg.unsupported-table',
      'a manifest of format version 1 has no file counts',
      {
        context: { path: manifest.path },
        hint: 'Rewrite the manifests of the table with another engine (rewrite_manifests).',
      },
    );
  }
  return {
    _500: manifest.path,
    _501: manifest.length,
    _502: manifest.specId,
    _517: manifest.content === 'data' ? 0 : 1,
    _515: manifest.sequenceNumber,
    _516: manifest.minSequenceNumber,
    _503: manifest.addedSnapshotId,
    _504: manifest.addedFiles,
    _505: manifest.existingFiles,
    _506: manifest.deletedFiles,
    _512: manifest.addedRows,
    _513: manifest.existingRows,
    _514: manifest.deletedRows,
    _507: manifest.partitions?.map(summaryRecord) ?? null,
    _519: buffer(manifest.keyMetadata),
  };
}

function manifestOf(record: AvroRecord): ManifestFile {
  return {
    path: record._500 as string,
    length: record._501 as bigint,
    specId: record._502 as number,
    content: record._517 === 1 ? 'deletes' : 'data',
    sequenceNumber: (record._515 as bigint | null | undefined) ?? 0n,
    minSequenceNumber: (record._516 as bigint | null | undefined) ?? 0n,
    addedSnapshotId: (record._503 as bigint | null | undefined) ?? 0n,
    addedFiles: (record._504 as number | null | undefined) ?? -1,
    existingFiles: (record._505 as number | null | undefined) ?? -1,
    deletedFiles: (record._506 as number | null | undefined) ?? -1,
    addedRows: (record._512 as bigint | null | undefined) ?? -1n,
    existingRows: (record._513 as bigint | null | undefined) ?? -1n,
    deletedRows: (record._514 as bigint | null | undefined) ?? -1n,
    partitions: (record._507 as AvroRecord[] | null | undefined)?.map(summaryOf) ?? null,
    keyMetadata: (record._519 as Uint8Array | null | undefined) ?? null,
  };
}

function summaryRecord(summary: FieldSummary): AvroRecord {
  return {
    _509: summary.containsNull,
    _518: summary.containsNan,
    _510: buffer(summary.lowerBound),
    _511: buffer(summary.upperBound),
  };
}

function summaryOf(record: AvroRecord): FieldSummary {
  return {
    containsNull: record._509 as boolean,
    containsNan: (record._518 as boolean | null | undefined) ?? null,
    lowerBound: (record._510 as Uint8Array | null | undefined) ?? null,
    upperBound: (record._511 as Uint8Array | null | undefined) ?? null,
  };
}

function buffer(bytes: Uint8Array | null): Buffer | null {
  return bytes === null ? null : Buffer.from(bytes);
}
