import assert from 'node:assert/strict';
import type pg from 'pg';
import { compareTable } from '../../scripts/demo/compare.ts';
import { LakeReader } from '../../scripts/lake/reader.ts';
import { IcestreamError } from '../../src/base/errors.ts';
import type { Catalog, LoadedTable } from '../../src/iceberg/catalog/catalog.ts';
import { openCatalog } from '../../src/iceberg/catalog/open.ts';
import { installDuckdbExtensions } from '../services/duckdb.ts';

/** What a connector's configuration says of its catalog, without the prefix. */
export function catalogProperties(config: Readonly<Record<string, string>>): Record<string, string> {
  const prefix = 'iceberg.catalog.';
  const entries = Object.entries(config).filter(([key]) => key.startsWith(prefix));
  return Object.fromEntries(entries.map(([key, value]) => [key.slice(prefix.length), value]));
}

/** A lake seen from outside: its catalog, and DuckDB's own Iceberg reader. */
export class Lake {
  readonly catalog: Catalog;
  readonly #reader: LakeReader;

  private constructor(catalog: Catalog, reader: LakeReader) {
    this.catalog = catalog;
    this.#reader = reader;
  }

  /** `setup`: SQL for the reader, the secret of an object store. */
  static async open(properties: Record<string, string>, setup: readonly string[] = []): Promise<Lake> {
    const catalog = await openCatalog('iceberg', properties);
    const reader = await LakeReader.open(await installDuckdbExtensions(), setup);
    assert.match(reader.how, /own Iceberg reader/, 'the comparison must not rest on our own planning');
    return new Lake(catalog, reader);
  }

  /** `namespace.table`. */
  async table(name: string): Promise<LoadedTable> {
    const [namespace, table] = name.split('.');
    return this.catalog.load({ namespace: [namespace], name: table });
  }

  async tableIfThere(name: string): Promise<LoadedTable | null> {
    return this.table(name).catch((error) => {
      if (error instanceof IcestreamError && /^iceberg\.(table|namespace)-not-found$/.test(error.code))
        return null;
      throw error;
    });
  }

  /** Rows of `SELECT select FROM table rest`. */
  async query(name: string, select: string, rest = ''): Promise<Record<string, unknown>[]> {
    return this.#reader.query(await this.table(name), select, rest);
  }

  /** The table's rows and the lake's, both as multisets: a loss, a duplicate and a wrong value all show. */
  async requireEqual(client: pg.Client, source: string, name: string): Promise<void> {
    const result = await compareTable(client, source, await this.table(name), this.#reader);
    assert.deepEqual(
      { table: source, rows: result.lakeRows, differences: result.differences, examples: result.examples },
      { table: source, rows: result.sourceRows, differences: 0, examples: [] },
    );
  }

  async close(): Promise<void> {
    this.#reader.close();
    await this.catalog.close();
  }
}
