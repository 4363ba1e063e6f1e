import { IcestreamError } from '../base/errors.ts';
import { AvroFileWriter, type AvroRecord, readAvroFile } from './avro.ts';
import { dataFileReader, dataFileRecord } from './data-file-avro.ts';
import type { DataFile, LiveFile } from './file.ts';
import { printJson } from './json.ts';
import type { ManifestContent, ManifestFile } from './manifest-list.ts';
import { manifestEntrySchema } from './manifest-schema.ts';
import { currentSchema, specById, type TableMetadata } from './metadata.ts';
import { type PartitionColumn, partitionColumns, SummaryBuilder } from './partition.ts';
import type { PartitionSpec } from './schema.ts';

/** What a manifest says happened to a file: it was added or deleted by the manifest's snapshot, or it was there before. */
export type EntryStatus = 'existing' | 'added' | 'deleted';

export interface ManifestEntry extends LiveFile {
  readonly status: EntryStatus;
}

const STATUSES: readonly EntryStatus[] = ['existing', 'added', 'deleted'];

/**
 * Decodes the entries of a manifest one by one, with snapshot id and sequence numbers inherited from the manifest list
 * (specification, "Sequence Number Inheritance"). `bytes` is the whole file.
 */
export function* readManifest(
  bytes: Buffer,
  manifest: ManifestFile,
  metadata: TableMetadata,
): Generator<ManifestEntry> {
  const spec = specById(metadata, manifest.specId);
  const readFile = dataFileReader(manifest.specId, partitionColumns(metadata, spec));
  for (const record of readAvroFile(bytes, manifest.path).records()) {
    const status = STATUSES[record._0 as number];
    if (status === undefined) throw malformed(manifest, 'an entry has an unknown status');
    const inherit = status === 'added' || manifest.sequenceNumber === 0n;
    const dataSequenceNumber = (record._3 as bigint | null) ?? (inherit ? manifest.sequenceNumber : null);
    const fileSequenceNumber = (record._4 as bigint | null) ?? (inherit ? manifest.sequenceNumber : null);
    if (dataSequenceNumber === null)
      throw malformed(manifest, 'an entry that was not added has no sequence number');
    yield {
      status,
      snapshotId: (record._1 as bigint | null) ?? manifest.addedSnapshotId,
      dataSequenceNumber,
      // Writers before format version 2 was complete left it out of existing entries.
      fileSequenceNumber: fileSequenceNumber ?? dataSequenceNumber,
      file: readFile(record._2 as AvroRecord),
      spec,
    };
  }
}

function malformed(manifest: ManifestFile, message: string): IcestreamError {
  return new IcestreamError('iceberg.format', message, { context: { path: manifest.path } });
}

/** The sequence number of a manifest that the commit itself will number. */
export const UNASSIGNED = -1n;

/**
 * Builds one manifest in memory: one spec, one content. Sequence numbers of added files are left to inheritance, so that
 * the manifest stays valid when the commit is retried with a later number.
 */
export class ManifestWriter {
  readonly content: ManifestContent;
  readonly specId: number;
  readonly #snapshotId: bigint;
  readonly #avro: AvroFileWriter;
  readonly #columns: readonly PartitionColumn[];
  readonly #summaries: readonly SummaryBuilder[];
  readonly #files = { added: 0, existing: 0, deleted: 0 };
  readonly #rows = { added: 0n, existing: 0n, deleted: 0n };
  #minSequenceNumber: bigint | null = null;

  constructor(metadata: TableMetadata, spec: PartitionSpec, content: ManifestContent, snapshotId: bigint) {
    this.content = content;
    this.specId = spec['spec-id'];
    this.#snapshotId = snapshotId;
    this.#columns = partitionColumns(metadata, spec);
    this.#summaries = this.#columns.map((column) => new SummaryBuilder(column.type));
    const schema = currentSchema(metadata);
    this.#avro = new AvroFileWriter(manifestEntrySchema(this.#columns), {
      schema: printJson(schema),
      'schema-id': String(schema['schema-id']),
      'partition-spec': printJson(spec.fields),
      'partition-spec-id': String(spec['spec-id']),
      'format-version': '2',
      content,
    });
  }

  /** Bytes of the file so far, about. */
  get size(): number {
    return this.#avro.size;
  }

  get fileCount(): number {
    return this.#files.added + this.#files.existing + this.#files.deleted;
  }

  /** A new file of this snapshot. */
  add(file: DataFile): void {
    this.#append('added', file, this.#snapshotId, null, null);
  }

  /** A file that stays, taken over from another manifest. */
  keep(live: LiveFile): void {
    this.#append('existing', live.file, live.snapshotId, live.dataSequenceNumber, live.fileSequenceNumber);
    const least = this.#minSequenceNumber;
    if (least === null || live.dataSequenceNumber < least) this.#minSequenceNumber = live.dataSequenceNumber;
  }

  /** A file that this snapshot removes. */
  delete(live: LiveFile): void {
    this.#append('deleted', live.file, this.#snapshotId, live.dataSequenceNumber, live.fileSequenceNumber);
  }

  /** The file's bytes and its line of the manifest list; the sequence numbers are still to be assigned. */
  finish(path: string): { bytes: Buffer; manifest: ManifestFile } {
    const bytes = this.#avro.finish();
    const manifest: ManifestFile = {
      path,
      length: BigInt(bytes.length),
      specId: this.specId,
      content: this.content,
      sequenceNumber: UNASSIGNED,
      minSequenceNumber: this.#minSequenceNumber ?? UNASSIGNED,
      addedSnapshotId: this.#snapshotId,
      addedFiles: this.#files.added,
      existingFiles: this.#files.existing,
      deletedFiles: this.#files.deleted,
      addedRows: this.#rows.added,
      existingRows: this.#rows.existing,
      deletedRows: this.#rows.deleted,
      partitions: this.#summaries.map((summary) => summary.build()),
      keyMetadata: null,
    };
    return { bytes, manifest };
  }

  #append(
    status: EntryStatus,
    file: DataFile,
    snapshotId: bigint,
    dataSequenceNumber: bigint | null,
    fileSequenceNumber: bigint | null,
  ): void {
    this.#avro.append({
      _0: STATUSES.indexOf(status),
      _1: snapshotId,
      _3: dataSequenceNumber,
      _4: fileSequenceNumber,
      _2: dataFileRecord(file, this.#columns),
    });
    this.#files[status]++;
    this.#rows[status] += file.recordCount;
    this.#summaries.forEach((summary, i) => {
      summary.add(file.partition[i] ?? null);
    });
  }
}
