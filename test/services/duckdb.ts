import { join } from 'node:path';
import { installed } from './cache.ts';
import { unpackWheel } from './s3.ts';

/** The extensions' version is DuckDB's own: @duckdb/node-api 1.5.5 loads only these. */
const VERSION = '1.5.5';
/** In the order in which they are loaded: iceberg needs avro. */
const EXTENSIONS = ['avro', 'httpfs', 'iceberg'] as const;

/**
 * The extension files for `LOAD '<path>'`, in order. DuckDB's own extension server is not needed: the wheels carry the
 * same signed files.
 */
export async function installDuckdbExtensions(): Promise<string[]> {
  const folder = await installed(`duckdb-extensions-${VERSION}`, async (into) => {
    for (const name of EXTENSIONS) await unpackWheel(`duckdb-extension-${name}==${VERSION}`, into);
  });
  return EXTENSIONS.map((name) =>
    join(folder, `duckdb_extension_${name}`, 'extensions', `v${VERSION}`, `${name}.duckdb_extension`),
  );
}
