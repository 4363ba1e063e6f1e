import { randomUUID } from 'node:crypto';
import { invariant } from '../../base/errors.ts';
import type { LoadedTable } from '../../iceberg/catalog/catalog.ts';
import type { DataFile, PartitionValue } from '../../iceberg/file.ts';
import { currentSchema } from '../../iceberg/metadata.ts';
import { ParquetFileWriter } from '../../iceberg/parquet/writer.ts';
import { partitionPath } from '../../iceberg/partition-path.ts';
import type { NestedField, PartitionSpec, Schema } from '../../iceberg/schema.ts';
import type { ChangeBatch } from '../../record/batch.ts';
import type { TableSchema } from '../../record/table.ts';
import type { FilledCells } from './fill.ts';
import type { ImageList } from './image-list.ts';
import { RowEncoder } from './row-encoder.ts';

/** Rows per block: small enough to stay in the cache while it is written column by column, and between two awaits. */
const BLOCK_ROWS = 1024;

export interface FileOptions {
  readonly compression: 'zstd' | 'snappy' | 'none';
  readonly targetFileBytes: number;
  readonly onSpecial: (column: string) => void;
}

/** A set of row images and where they are to be found. */
export interface Images {
  /** By number. */
  readonly batches: readonly ChangeBatch[];
  /** By schema number. */
  readonly schemas: readonly TableSchema[];
  readonly list: ImageList;
  readonly filled: FilledCells;
}

/** Takes rows as they come and makes files of them. */
export interface RowWriter {
  write(images: Images): Promise<void>;
  /** Bytes held in memory by what is open. */
  readonly bufferedBytes: number;
  /** Closes what is open and returns all files, durable. */
  close(): Promise<readonly DataFile[]>;
  /** Gives up: what is open disappears; the files already closed are returned, to be removed. */
  abort(): Promise<readonly DataFile[]>;
}

/**
 * The files of one partition and one content that a commit adds to a table: row images in, closed Parquet files out, a
 * next one begun whenever one has reached the target size.
 */
export class FileWriter implements RowWriter {
  readonly #table: LoadedTable;
  readonly #latest: TableSchema;
  readonly #schema: Schema;
  readonly #fields: readonly NestedField[];
  readonly #equalityIds: readonly number[] | null;
  readonly #spec: PartitionSpec;
  readonly #partition: readonly PartitionValue[];
  readonly #options: FileOptions;
  readonly #closed: DataFile[] = [];
  #open: OpenFile | null = null;
  #started: Promise<OpenFile> | null = null;

  /**
   * `latest` is the version of the source schema that the table's current schema was evolved to. With `equalityIds` the
   * files are equality deletes and hold those fields only.
   */
  constructor(
    table: LoadedTable,
    latest: TableSchema,
    equalityIds: readonly number[] | null,
    spec: PartitionSpec,
    partition: readonly PartitionValue[],
    options: FileOptions,
  ) {
    this.#table = table;
    this.#latest = latest;
    this.#schema = currentSchema(table.metadata);
    this.#equalityIds = equalityIds;
    this.#fields =
      equalityIds === null
        ? this.#schema.fields
        : this.#schema.fields.filter((field) => equalityIds.includes(field.id));
    this.#spec = spec;
    this.#partition = partition;
    this.#options = options;
  }

  /** On an error the file that was open is gone; those closed before are what `close` or `abort` returns. */
  async write(images: Images): Promise<void> {
    try {
      await this.#write(images);
    } catch (error) {
      await this.abort();
      throw error;
    }
  }

  async #write({ batches, schemas, list, filled }: Images): Promise<void> {
    for (let start = 0; start < list.count; ) {
      const end = runEnd(list, start, Math.min(list.count, start + BLOCK_ROWS));
      const file = this.#open ?? (await this.#begin());
      const number = list.batch[start];
      file.encoder.filled = filled.get(number);
      file.encoder.write(batches[number], schemas[list.schema[start]], list, start, end);
      const room = file.parquet.endRows(end - start);
      if (room !== undefined) await room;
      if (file.parquet.estimatedFileBytes >= this.#options.targetFileBytes) await this.#finish();
      start = end;
    }
  }

  get bufferedBytes(): number {
    return this.#open?.parquet.bufferedBytes ?? 0;
  }

  async close(): Promise<readonly DataFile[]> {
    if (this.#open !== null) await this.#finish();
    return this.#closed;
  }

  async abort(): Promise<readonly DataFile[]> {
    const open = this.#open;
    this.#open = null;
    await open?.parquet.abort();
    return this.#closed;
  }

  async #begin(): Promise<OpenFile> {
    this.#started ??= this.#create();
    this.#open = await this.#started;
    this.#started = null;
    return this.#open;
  }

  async #create(): Promise<OpenFile> {
    const { metadata, storage } = this.#table;
    const folder = metadata.properties?.['write.data.path'] ?? `${metadata.location}/data`;
    const partition =
      this.#spec.fields.length === 0 ? '' : `${partitionPath(this.#schema, this.#spec, this.#partition)}/`;
    const kind = this.#equalityIds === null ? '' : '-deletes';
    const path = `${folder}/${partition}${randomUUID()}${kind}.parquet`;
    const output = await storage.create(path);
    const keys = this.#schema['identifier-field-ids'] ?? [];
    const parquet = new ParquetFileWriter({ type: 'struct', fields: this.#fields }, output, {
      compression: this.#options.compression,
      fullMetricsFor: new Set(this.#equalityIds ?? keys),
    });
    return {
      path,
      parquet,
      encoder: new RowEncoder(this.#latest, this.#fields, parquet.columns, this.#options.onSpecial),
    };
  }

  async #finish(): Promise<void> {
    const file = this.#open;
    invariant(file !== null, 'no file is open');
    this.#open = null;
    const { fileSizeBytes, recordCount, metrics, splitOffsets } = await file.parquet.close();
    this.#closed.push({
      content: this.#equalityIds === null ? 'data' : 'equality-deletes',
      path: file.path,
      specId: this.#spec['spec-id'],
      partition: this.#partition,
      recordCount: BigInt(recordCount),
      fileSizeBytes: BigInt(fileSizeBytes),
      metrics,
      splitOffsets: splitOffsets.map(BigInt),
      equalityIds: this.#equalityIds,
      sortOrderId: 0,
    });
  }
}

interface OpenFile {
  readonly path: string;
  readonly parquet: ParquetFileWriter;
  readonly encoder: RowEncoder;
}

/** Where the images from `start` on cease to lie in one batch under one schema. */
function runEnd(images: ImageList, start: number, limit: number): number {
  const { batch, schema } = images;
  let end = start + 1;
  while (end < limit && batch[end] === batch[start] && schema[end] === schema[start]) end++;
  return end;
}
