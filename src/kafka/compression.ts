import zlib from 'node:zlib';
import { compressionsAlgorithms as codecs } from '@platformatic/kafka';
import { COMPRESSIONS, type Compression } from './producer-options.ts';

/** As a batch's attributes name it. */
export function codecId(compression: Compression): number {
  return COMPRESSIONS.indexOf(compression);
}

/**
 * The records of a batch, compressed as Java's client does it. gzip and zstd leave the event loop where that is cheaper
 * than holding it up; the order of the answers is then not that of the calls.
 */
export function compress(
  records: Buffer,
  compression: Exclude<Compression, 'none'>,
  zstdLevel: number,
): Buffer | Promise<Buffer> {
  switch (compression) {
    case 'gzip':
      return records.length < SYNC_BYTES ? zlib.gzipSync(records) : elsewhere(zlib.gzip, records, {});
    case 'zstd': {
      const options = zstdOptions(records.length, zstdLevel);
      if (records.length < SYNC_BYTES) return zlib.zstdCompressSync(records, options);
      return elsewhere(zlib.zstdCompress, records, options);
    }
    case 'snappy':
      return snappyFrames(records);
    case 'lz4':
      return codecs.lz4.compressSync(records);
  }
}

/** For a batch that has to be divided; `compressed` is a batch's records as `compress` made them. */
export function decompress(compressed: Buffer, compression: Compression): Buffer {
  switch (compression) {
    case 'none':
      return compressed;
    case 'gzip':
      return zlib.gunzipSync(compressed);
    case 'zstd':
      return zlib.zstdDecompressSync(compressed);
    default:
      return codecs[compression].decompressSync(compressed);
  }
}

/** Below this the hand-over to another thread costs more than the compression. */
const SYNC_BYTES = 16 * 1024;

/** Each chunk of output is a round trip to the other thread, and zlib's own 16 KB make many of them. */
function zstdOptions(length: number, level: number): zlib.ZstdOptions {
  const params = { [zlib.constants.ZSTD_c_compressionLevel]: level };
  return { params, chunkSize: Math.min(128 * 1024, Math.max(1024, length >> 1)), pledgedSrcSize: length };
}

function elsewhere<O>(
  run: (input: Buffer, options: O, done: (error: Error | null, result: Buffer) => void) => void,
  input: Buffer,
  options: O,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    run(input, options, (error, result) => (error === null ? resolve(result) : reject(error)));
  });
}

/** snappy-java's stream, which Java's client writes: a header, then blocks of raw snappy, each with its length ahead. */
const SNAPPY_HEADER = Buffer.from('82534e41505059000000000100000001', 'hex');
const SNAPPY_BLOCK = 32 * 1024;

function snappyFrames(records: Buffer): Buffer {
  const parts: Buffer[] = [SNAPPY_HEADER];
  for (let start = 0; start < records.length; start += SNAPPY_BLOCK) {
    const block = codecs.snappy.compressSync(records.subarray(start, start + SNAPPY_BLOCK));
    const length = Buffer.allocUnsafe(4);
    length.writeInt32BE(block.length);
    parts.push(length, block);
  }
  return Buffer.concat(parts);
}
