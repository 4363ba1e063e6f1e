import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Catalog, LoadedTable } from '../../src/iceberg/catalog/catalog.ts';
import { ManifestCache } from '../../src/iceberg/manifest-cache.ts';
import { LocalStorage } from '../../src/iceberg/storage/local.ts';
import type { Storage } from '../../src/iceberg/storage.ts';
import { commitChange, createTable, fileEntry, openLake } from './lake.ts';

/**
 * Commits again and again to one table, with expiry as the sink does it, and compares the last commits with the first.
 * What is compared is files read and written, bytes written and CPU time of this process: wall time is mostly fsync, and
 * other tests share the machine.
 */
export async function assertCommitsStayFlat(options: {
  commits: number;
  /** Commits that are compared with as many at the end, after the first few. */
  window: number;
  ratio: number;
  measure: readonly (keyof Cost)[];
}): Promise<void> {
  const { commits, window, ratio, measure } = options;
  const io = { reads: 0, writes: 0, bytes: 0 };
  await using lake = await openLake(counting(new LocalStorage(), io));
  let table = await createTable(lake.catalog, 'aging', {
    properties: {
      'write.metadata.delete-after-commit.enabled': 'true',
      'write.metadata.previous-versions-max': '20',
    },
  });
  const cache = new ManifestCache();
  const costs: Cost[] = [];
  // The code is compiled, the first window is not charged for that.
  let warm = await createTable(lake.catalog, 'warm_up');
  for (let i = 0; i < 100; i++) warm = await commitOnce(lake.catalog, warm, i, cache);
  for (let i = 0; i < commits; i++) {
    Object.assign(io, { reads: 0, writes: 0, bytes: 0 });
    const before = process.cpuUsage();
    table = await commitOnce(lake.catalog, table, i, cache);
    const { user, system } = process.cpuUsage(before);
    costs.push({ ...io, cpuMicros: user + system });
  }
  const early = sumOf(costs.slice(0, window));
  const late = sumOf(costs.slice(-window));
  for (const key of measure) {
    const limit = early[key] * ratio;
    assert.ok(late[key] <= limit, `${key}: ${late[key]} in the last ${window}, ${early[key]} in the first`);
  }
  assert.equal(table.metadata.snapshots?.length, KEPT);
  const files = readdirSync(join(table.metadata.location, 'metadata')).length;
  assert.ok(files < 200, `${files} metadata files are left`);
}

interface Cost {
  readonly cpuMicros: number;
  readonly reads: number;
  readonly writes: number;
  readonly bytes: number;
}

const KEPT = 20;

async function commitOnce(
  catalog: Catalog,
  table: LoadedTable,
  nth: number,
  cache: ManifestCache,
): Promise<LoadedTable> {
  const change = {
    dataFiles: [fileEntry('data')],
    deleteFiles: nth === 0 ? [] : [fileEntry('equality-deletes')],
    summary: { 'cdc.to': String(nth) },
    properties: { 'cdc.offsets.x': String(nth) },
    expire: { maxToKeep: KEPT, maxAgeMs: Number.MAX_SAFE_INTEGER },
  };
  return (await commitChange(catalog, table, change, cache)).table;
}

function counting(storage: Storage, io: { reads: number; writes: number; bytes: number }): Storage {
  return {
    create: (...args) => storage.create(...args),
    write: (location, bytes, options) => {
      io.writes++;
      io.bytes += bytes.length;
      return storage.write(location, bytes, options);
    },
    read: (...args) => {
      io.reads++;
      return storage.read(...args);
    },
    readRange: (...args) => storage.readRange(...args),
    size: (...args) => storage.size(...args),
    remove: (...args) => storage.remove(...args),
    close: () => storage.close(),
  };
}

function sumOf(costs: readonly Cost[]): Cost {
  const sum = { cpuMicros: 0, reads: 0, writes: 0, bytes: 0 };
  for (const cost of costs) {
    sum.cpuMicros += cost.cpuMicros;
    sum.reads += cost.reads;
    sum.writes += cost.writes;
    sum.bytes += cost.bytes;
  }
  return sum;
}
