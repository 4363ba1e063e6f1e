import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { LakeReader } from '../../../scripts/lake/reader.ts';
import { createLog } from '../../../src/base/log.ts';
import { TaskMetrics } from '../../../src/base/metrics.ts';
import type { Catalog } from '../../../src/iceberg/catalog/catalog.ts';
import { openCatalog } from '../../../src/iceberg/catalog/open.ts';
import type { OffsetCodec } from '../../../src/record/offset.ts';
import { parseIcebergConfig } from '../../../src/sink/iceberg/config.ts';
import { IcebergSink } from '../../../src/sink/iceberg/index.ts';
import { skippedOps } from '../../../src/sink/iceberg/skipped-ops.ts';
import type { Sink } from '../../../src/sink/sink.ts';
import { installDuckdbExtensions } from '../../services/duckdb.ts';
import { testOffset } from './rows.ts';

export const testOffsets: OffsetCodec = {
  partition: { server: 'test' },
  parse: (json, epoch) => testOffset(json['position'] as number, epoch),
  min: (a, b) => (a.compare(b) <= 0 ? a : b),
};

/** A warehouse in a folder of the test's own, and the sinks that write to it. */
export class TestLake {
  readonly folder: string;
  readonly config: Record<string, string>;
  readonly metrics = new TaskMetrics();

  constructor(folder: string, config: Record<string, string>) {
    this.folder = folder;
    this.config = {
      'topic.prefix': 'shop',
      'iceberg.catalog.type': 'sql',
      'iceberg.catalog.uri': `sqlite:///${folder}/catalog.db`,
      'iceberg.catalog.warehouse': `${folder}/warehouse`,
      ...config,
    };
  }

  sink(options: { epoch?: number; memoryBytes?: number; stateDir?: string } = {}): Sink {
    return new IcebergSink(parseIcebergConfig(this.config), skippedOps(this.config), {
      connector: 'shop',
      task: 0,
      log: createLog('silent'),
      metrics: this.metrics,
      offsets: testOffsets,
      epoch: options.epoch ?? 0,
      stateDir: options.stateDir ?? join(this.folder, 'state'),
      memoryBytes: options.memoryBytes ?? 64 << 20,
    });
  }

  async catalog(): Promise<Catalog> {
    const properties = Object.fromEntries(
      Object.entries(this.config)
        .filter(([key]) => key.startsWith('iceberg.catalog.'))
        .map(([key, value]) => [key.slice('iceberg.catalog.'.length), value]),
    );
    return openCatalog('iceberg', properties);
  }
}

/** The rows of a lake table, sorted by their first column, read by DuckDB's own Iceberg reader. */
export async function readLake(
  lake: TestLake,
  name: string,
  namespace = ['shop_public'],
): Promise<unknown[][]> {
  const catalog = await lake.catalog();
  const reader = await LakeReader.open(await installDuckdbExtensions());
  try {
    const rows = await reader.query(await catalog.load({ namespace, name }), '*', 'ORDER BY 1');
    return rows.map((row) => Object.values(row));
  } finally {
    reader.close();
    await catalog.close();
  }
}

export async function testLake(t: TestContext, config: Record<string, string> = {}): Promise<TestLake> {
  const folder = await mkdtemp(join(tmpdir(), 'icestream-lake-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return new TestLake(folder, config);
}
