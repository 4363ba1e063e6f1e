import { randomUUID } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance, type DuckDBValue } from '@duckdb/node-api';
import { parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import type { ColumnWriter } from '../../../src/iceberg/parquet/column-writer.ts';
import { RejectingColumn } from '../../../src/iceberg/parquet/rejecting-column.ts';
import {
  type ParquetFile,
  ParquetFileWriter,
  type ParquetOptions,
} from '../../../src/iceberg/parquet/writer.ts';
import { decimalOf, type IcebergType, type NestedField } from '../../../src/iceberg/schema.ts';
import type { OutputFile } from '../../../src/iceberg/storage.ts';

/**
 * Values of tests: boolean; number for int, float, double, date; bigint for long, times, decimals (unscaled); string;
 * Uint8Array for uuid, fixed, binary; arrays for lists; arrays of pairs for maps; objects for structs; null.
 */
// biome-ignore lint/suspicious/noExplicitAny: test values of every type
export type Value = any;

export interface Written extends ParquetFile {
  readonly bytes: Buffer;
}

export class MemoryFile implements OutputFile {
  readonly location = 'memory';
  readonly parts: Buffer[] = [];
  aborted = false;
  async write(bytes: Uint8Array): Promise<void> {
    this.parts.push(Buffer.from(bytes));
  }
  async close(): Promise<number> {
    return this.bytes.length;
  }
  async abort(): Promise<void> {
    this.aborted = true;
  }
  get bytes(): Buffer {
    return Buffer.concat(this.parts);
  }
}

/** Writes rows in blocks of `block` rows. */
export async function writeRows(
  fields: readonly NestedField[],
  rows: readonly (readonly Value[])[],
  options: ParquetOptions & { block?: number } = {},
): Promise<Written> {
  const output = new MemoryFile();
  const writer = new ParquetFileWriter({ type: 'struct', fields }, output, options);
  const block = options.block ?? 1000;
  for (let from = 0; from < rows.length; from += block) {
    const some = rows.slice(from, from + block);
    fields.forEach((field, c) => {
      for (const row of some) writeValue(writer.columns[c], field.type, row[c]);
    });
    await writer.endRows(some.length);
  }
  const file = await writer.close();
  return { ...file, bytes: output.bytes };
}

const text = new TextEncoder();

export function writeValue(out: ColumnWriter, type: IcebergType, value: Value): void {
  if (value === null) return out.null();
  if (typeof type !== 'string') return writeNested(out, type, value);
  switch (type) {
    case 'boolean':
      return out.bool(value);
    case 'int':
      return out.int32(value);
    case 'date':
      return out.date(value);
    case 'float':
      return out.float32(value);
    case 'double':
      return out.float64(value);
    case 'long':
      return out.int64(...halves(value));
    case 'time':
      return out.time(...halves(value));
    case 'timestamp':
    case 'timestamptz':
      return out.timestamp(...halves(value));
    case 'string': {
      const bytes = text.encode(value);
      return out.utf8(bytes, 0, bytes.length);
    }
    case 'uuid':
      return out.uuid(value, 0);
    default: {
      const decimal = decimalOf(type);
      if (decimal === null) return out.bytes(value, 0, value.length);
      const small = Number(value);
      if (Number.isSafeInteger(small)) return out.decimalSmall(small, decimal.scale);
      return out.decimal(value, decimal.scale);
    }
  }
}

function writeNested(out: ColumnWriter, type: Exclude<IcebergType, string>, value: Value): void {
  switch (type.type) {
    case 'list':
      out.beginList(value.length);
      for (const element of value) writeValue(out, type.element, element);
      return out.endList();
    case 'map':
      out.beginMap(value.length);
      for (const [key, mapped] of value) {
        writeValue(out, type.key, key);
        writeValue(out, type.value, mapped);
      }
      return out.endMap();
    case 'struct':
      out.beginStruct();
      for (const field of type.fields) writeValue(out, field.type, value[field.name]);
      return out.endStruct();
  }
}

export function halves(value: bigint): [number, number] {
  return [Number(value >> 32n), Number(value & 0xffffffffn)];
}

export function field(id: number, name: string, type: IcebergType, required = false): NestedField {
  return { id, name, type, required };
}

/** What hyparquet reads. */
export async function readHyparquet(bytes: Buffer): Promise<Record<string, Value>[]> {
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
  return parquetReadObjects({ file, compressors, utf8: false });
}

/** What DuckDB reads; `query` names the table `$file` and the path `$path`. */
export async function readDuckDb(bytes: Buffer, query = 'select * from $file'): Promise<DuckDBValue[][]> {
  const path = join(tmpdir(), `icestream-${randomUUID()}.parquet`);
  await writeFile(path, bytes);
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  try {
    const connection = await instance.connect();
    await connection.run("set TimeZone = 'UTC'");
    const reader = await connection.runAndReadAll(
      query.replaceAll('$file', `read_parquet('${path}')`).replaceAll('$path', path),
    );
    return reader.getRows();
  } finally {
    instance.closeSync();
    await rm(path);
  }
}

/** Keeps the primitive values that it is given, as text. */
export class ValueRecorder extends RejectingColumn {
  readonly fieldId = 0;
  readonly values: string[] = [];

  constructor() {
    super('recorder');
  }
  override int32(value: number): void {
    this.values.push(`int ${value}`);
  }
  override date(days: number): void {
    this.values.push(`date ${days}`);
  }
  override int64(hi: number, lo: number): void {
    this.values.push(`long ${hi} ${lo}`);
  }
  override time(hi: number, lo: number): void {
    this.values.push(`time ${hi} ${lo}`);
  }
  override timestamp(hi: number, lo: number): void {
    this.values.push(`timestamp ${hi} ${lo}`);
  }
  override decimalSmall(unscaled: number, scale: number): void {
    this.decimal(BigInt(unscaled), scale);
  }
  override decimal(unscaled: bigint, scale: number): void {
    this.values.push(`decimal ${unscaled} ${scale}`);
  }
  override utf8(bytes: Uint8Array, start: number, end: number): void {
    this.values.push(`text ${Buffer.from(bytes.subarray(start, end)).toString('hex')}`);
  }
  override bytes(bytes: Uint8Array, start: number, end: number): void {
    this.values.push(`bytes ${Buffer.from(bytes.subarray(start, end)).toString('hex')}`);
  }
  override uuid(bytes: Uint8Array, start: number): void {
    this.values.push(`uuid ${Buffer.from(bytes.subarray(start, start + 16)).toString('hex')}`);
  }
}

/** A Parquet file that DuckDB writes of a query, with COPY's options. */
export async function writtenByDuckDb(query: string, options: string): Promise<Buffer> {
  const path = join(tmpdir(), `icestream-${randomUUID()}.parquet`);
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  try {
    const connection = await instance.connect();
    await connection.run(`copy (${query}) to '${path}' (${options})`);
    return await readFile(path);
  } finally {
    instance.closeSync();
    await rm(path, { force: true });
  }
}
