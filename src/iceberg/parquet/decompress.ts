import zlib from 'node:zlib';
import { type CompressionCodec, type Compressors, snappyUncompress } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { IcestreamError } from '../../base/errors.ts';

/** For hyparquet: its own codecs, with those of Node, which are several times faster, where there are such. */
export const DECOMPRESSORS: Compressors = {
  ...compressors,
  ZSTD: (input) => zlib.zstdDecompressSync(input),
  GZIP: (input) => zlib.gunzipSync(input),
  BROTLI: (input) => zlib.brotliDecompressSync(input),
};

/** The bytes of a page, of which the header says that there are `length`. */
export function decompress(codec: CompressionCodec, input: Uint8Array, length: number): Uint8Array {
  const output = decompressAs(codec, input, length);
  if (output.length === length) return output;
  throw new IcestreamError('iceberg.format', `a page has ${output.length} bytes, not ${length}`);
}

function decompressAs(codec: CompressionCodec, input: Uint8Array, length: number): Uint8Array {
  if (codec === 'UNCOMPRESSED') return input;
  if (codec === 'SNAPPY') {
    const output = new Uint8Array(length);
    snappyUncompress(input, output);
    return output;
  }
  const decompressor = DECOMPRESSORS[codec];
  if (decompressor === undefined) {
    throw new IcestreamError('iceberg.unsupported-table', `the compression ${codec} is not known`);
  }
  return decompressor(input, length);
}
