import type { DataFile } from '../../iceberg/file.ts';
import { type FileOptions, FileWriter, type Images, type RowWriter } from './file-writer.ts';
import { defaultSpec, type LakeTable } from './lake-table.ts';
import { byPartition } from './partition-images.ts';

/** Beyond either, the fullest file is closed; its partition gets another one when more rows come. */
const OPEN_FILES_MAX = 64;
const OPEN_BYTES_MAX = 64 << 20;

/** Takes rows of a partitioned table as they come, one open file per partition. */
export class PartitionedWriter implements RowWriter {
  readonly #table: LakeTable;
  readonly #options: FileOptions;
  readonly #open = new Map<string, FileWriter>();
  readonly #closed: DataFile[] = [];

  constructor(table: LakeTable, options: FileOptions) {
    this.#table = table;
    this.#options = options;
  }

  async write(images: Images): Promise<void> {
    const { loaded, latest } = this.#table;
    for (const [key, { spec, partition, list }] of byPartition(this.#table, defaultSpec(loaded!), images)) {
      let writer = this.#open.get(key);
      if (writer === undefined) {
        await this.#makeRoom();
        writer = new FileWriter(loaded!, latest!, null, spec, partition, this.#options);
        this.#open.set(key, writer);
      }
      await writer.write({ ...images, list });
    }
    await this.#makeRoom();
  }

  get bufferedBytes(): number {
    let bytes = 0;
    for (const writer of this.#open.values()) bytes += writer.bufferedBytes;
    return bytes;
  }

  async close(): Promise<readonly DataFile[]> {
    for (const key of [...this.#open.keys()]) await this.#close(key);
    return this.#closed;
  }

  async abort(): Promise<readonly DataFile[]> {
    for (const writer of this.#open.values()) this.#closed.push(...(await writer.abort()));
    this.#open.clear();
    return this.#closed;
  }

  async #makeRoom(): Promise<void> {
    while (this.#open.size >= OPEN_FILES_MAX || this.bufferedBytes > OPEN_BYTES_MAX) {
      const [fullest] = [...this.#open].sort(([, a], [, b]) => b.bufferedBytes - a.bufferedBytes);
      await this.#close(fullest[0]);
    }
  }

  async #close(key: string): Promise<void> {
    this.#closed.push(...(await this.#open.get(key)!.close()));
    this.#open.delete(key);
  }
}
