import { randomBytes } from 'node:crypto';
import { deflateRawSync, inflateRawSync, zstdDecompressSync } from 'node:zlib';
import avro from 'avsc';
import { IcestreamError } from '../base/errors.ts';

/**
 * Avro object container files (Avro specification, "Object Container Files") as Iceberg uses them: the columns of a
 * record are found by their `field-id`, never by name. A compiled type therefore calls the field with id 104 `_104`;
 * names only matter in the schema that the header prints. Longs are BigInts.
 */

export type AvroSchema = string | readonly AvroSchema[] | AvroNode;

export interface AvroNode {
  readonly type: AvroSchema;
  readonly name?: string;
  readonly fields?: readonly AvroField[];
  readonly items?: AvroSchema;
  readonly values?: AvroSchema;
  readonly size?: number;
  readonly logicalType?: string;
  readonly precision?: number;
  readonly scale?: number;
  readonly 'element-id'?: number;
}

export interface AvroField {
  readonly name: string;
  readonly type: AvroSchema;
  readonly 'field-id'?: number;
  readonly default?: unknown;
}

/** A record in the form that compiled types take and give: `_<field id>` to value. */
export type AvroRecord = Record<string, unknown>;

/** Builds a container file in memory; manifests are some megabytes at most. Deflate, as the reference writer does. */
export class AvroFileWriter {
  readonly #type: avro.Type;
  readonly #sync = randomBytes(16);
  readonly #chunks: Buffer[] = [];
  #block: Buffer = Buffer.allocUnsafe(BLOCK_BYTES + 4096);
  #filled = 0;
  #count = 0;
  #written = 0;

  constructor(schema: AvroSchema, metadata: Readonly<Record<string, string>>) {
    const printed = JSON.stringify(schema);
    this.#type = compile(printed);
    const entries = { 'avro.schema': printed, 'avro.codec': 'deflate', ...metadata };
    const header = HEADER.toBuffer({
      magic: MAGIC,
      meta: Object.fromEntries(Object.entries(entries).map(([key, value]) => [key, Buffer.from(value)])),
      sync: this.#sync,
    });
    this.#push(header);
  }

  /** Bytes of the file so far; the open block counts uncompressed. */
  get size(): number {
    return this.#written + this.#filled;
  }

  append(record: AvroRecord): void {
    let end = this.#type.encode(record, this.#block, this.#filled);
    if (end < 0) {
      // A negative answer says how many bytes were lacking.
      const grown = Buffer.allocUnsafe(Math.max(this.#block.length * 2, this.#block.length - end));
      this.#block.copy(grown, 0, 0, this.#filled);
      this.#block = grown;
      end = this.#type.encode(record, this.#block, this.#filled);
    }
    this.#filled = end;
    this.#count++;
    if (this.#filled >= BLOCK_BYTES) this.#endBlock();
  }

  finish(): Buffer {
    this.#endBlock();
    return Buffer.concat(this.#chunks);
  }

  #endBlock(): void {
    if (this.#count === 0) return;
    const packed = deflateRawSync(this.#block.subarray(0, this.#filled));
    this.#push(LONG.toBuffer(BigInt(this.#count)));
    this.#push(LONG.toBuffer(BigInt(packed.length)));
    this.#push(packed);
    this.#push(this.#sync);
    this.#filled = 0;
    this.#count = 0;
  }

  #push(bytes: Buffer): void {
    this.#chunks.push(bytes);
    this.#written += bytes.length;
  }
}

export interface AvroFile {
  readonly metadata: Readonly<Record<string, string>>;
  /** Decodes block by block while it is iterated. */
  records(): Generator<AvroRecord>;
}

/** Reads a container file of any writer; `iceberg.format` with the path where it cannot be understood. */
export function readAvroFile(bytes: Buffer, location: string): AvroFile {
  return guarded(location, () => {
    if (!bytes.subarray(0, 4).equals(MAGIC)) throw new TypeError('no Avro container file');
    const { value: header, offset } = HEADER.decode(bytes, 0);
    if (offset < 0) throw new RangeError('the header is cut off');
    const metadata: Record<string, string> = {};
    for (const [key, value] of Object.entries(header.meta as Record<string, Buffer>)) {
      metadata[key] = value.toString('utf8');
    }
    const type = compile(metadata['avro.schema'] ?? 'null');
    const unpack = decompressor(metadata['avro.codec'] ?? 'null');
    const blocks = { bytes, offset, sync: header.sync as Buffer };
    return { metadata, records: () => decodeBlocks(type, blocks, unpack, location) };
  });
}

interface Blocks {
  readonly bytes: Buffer;
  readonly offset: number;
  readonly sync: Buffer;
}

function* decodeBlocks(
  type: avro.Type,
  { bytes, offset, sync }: Blocks,
  unpack: (bytes: Buffer) => Buffer,
  location: string,
): Generator<AvroRecord> {
  let at = offset;
  while (at < bytes.length) {
    const start = at;
    const block = guarded(location, () => {
      const count = LONG.decode(bytes, start);
      const length = LONG.decode(bytes, count.offset);
      const end = length.offset + Number(length.value);
      if (length.offset < 0 || !bytes.subarray(end, end + 16).equals(sync)) {
        throw new RangeError('a block is cut off or its sync marker is wrong');
      }
      at = end + 16;
      return { count: Number(count.value), data: unpack(bytes.subarray(length.offset, end)) };
    });
    let within = 0;
    for (let i = 0; i < block.count; i++) {
      const decoded = guarded(location, () => type.decode(block.data, within));
      if (decoded.offset < 0) throw unreadable(location, new RangeError('a record is cut off'));
      within = decoded.offset;
      yield decoded.value as AvroRecord;
    }
  }
}

const MAGIC = Buffer.from('Obj\u0001', 'latin1');
const BLOCK_BYTES = 64 * 1024;

const LONG = avro.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const bytes = Buffer.allocUnsafe(8);
    bytes.writeBigInt64LE(value);
    return bytes;
  },
  fromJSON: BigInt,
  toJSON: String,
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0),
});

const HEADER = avro.Type.forSchema({
  type: 'record',
  name: 'header',
  fields: [
    { name: 'magic', type: { type: 'fixed', name: 'magic', size: 4 } },
    { name: 'meta', type: { type: 'map', values: 'bytes' } },
    { name: 'sync', type: { type: 'fixed', name: 'sync', size: 16 } },
  ],
} as never);

/** Compiling generates code; the manifests of one table share a schema. */
const compiled = new Map<string, avro.Type>();
const COMPILED_MAX = 256;

function compile(printed: string): avro.Type {
  let type = compiled.get(printed);
  if (type === undefined) {
    const schema = renameByFieldId(JSON.parse(printed) as AvroSchema);
    // A registry keeps the type names of one schema; a fresh one each time keeps schemas apart.
    type = avro.Type.forSchema(schema as never, { registry: { long: LONG }, omitRecordMethods: true });
    if (compiled.size >= COMPILED_MAX) compiled.clear();
    compiled.set(printed, type);
  }
  return type;
}

/** The same schema with the fields called `_<field-id>`; type names become unique ones that Avro accepts. */
function renameByFieldId(root: AvroSchema): AvroSchema {
  const names = new Map<string, string>();
  let count = 0;
  const visit = (schema: AvroSchema): AvroSchema => {
    if (typeof schema === 'string') return names.get(schema) ?? schema;
    if (Array.isArray(schema)) return schema.map(visit);
    const node = schema as AvroNode;
    if (typeof node.type !== 'string') return visit(node.type);
    switch (node.type) {
      case 'record': {
        const name = `r${count++}`;
        names.set(node.name ?? name, name);
        const fields = node.fields?.map((field, i) => ({
          name: `_${field['field-id'] ?? `x${i}`}`,
          type: visit(field.type),
        }));
        return { type: 'record', name, fields };
      }
      case 'fixed': {
        const name = `r${count++}`;
        names.set(node.name ?? name, name);
        return { type: 'fixed', name, size: node.size };
      }
      case 'array':
        return { type: 'array', items: visit(node.items ?? 'null') };
      case 'map':
        return { type: 'map', values: visit(node.values ?? 'null') };
      default:
        return visit(node.type);
    }
  };
  return visit(root);
}

function decompressor(codec: string): (bytes: Buffer) => Buffer {
  switch (codec) {
    case 'null':
      return (bytes) => bytes;
    case 'deflate':
      return (bytes) => inflateRawSync(bytes);
    case 'zstandard':
      return (bytes) => zstdDecompressSync(bytes);
    default:
      throw new TypeError(`the Avro codec ${codec} is not supported`);
  }
}

function guarded<T>(location: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    throw unreadable(location, cause);
  }
}

function unreadable(location: string, cause: unknown): IcestreamError {
  return new IcestreamError('iceberg.format', 'an Avro file cannot be read', {
    cause,
    context: { path: location },
  });
}
