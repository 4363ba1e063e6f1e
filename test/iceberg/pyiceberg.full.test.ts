import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { LoadedTable } from '../../src/iceberg/catalog/catalog.ts';
import { openCatalog } from '../../src/iceberg/catalog/open.ts';
import { dataPath } from '../../src/iceberg/create.ts';
import type { DataFile } from '../../src/iceberg/file.ts';
import { ParquetFileWriter } from '../../src/iceberg/parquet/writer.ts';
import { planScan } from '../../src/iceberg/scan.ts';
import { BY_REGION, collect, commitChange, createTable, fileEntry, openLake, SCHEMA } from './lake.ts';
import { runPyIceberg } from './pyiceberg.ts';

// PyIceberg's SqlCatalog and ours on one SQLite file, each reading and changing what the other wrote.

const OPEN = `
import sys, json, datetime, decimal
import pyarrow as pa
from pyiceberg.catalog import load_catalog
catalog = load_catalog('lake', type='sql', uri='sqlite:///' + sys.argv[1], warehouse='file://' + sys.argv[2])
`;

test('PyIceberg reads and appends to our table, also after manifests were merged and all rows replaced', async () => {
  await using lake = await openLake();
  const [file, warehouse] = [join(lake.folder, 'catalog.db'), join(lake.folder, 'warehouse')];
  let table = await createTable(lake.catalog, 'ours', { specs: [BY_REGION] });
  const commit = async (ids: number[], replaceAll = false) => {
    const dataFiles = [await writeRows(table, ids)];
    ({ table } = await commitChange(lake.catalog, table, { dataFiles, replaceAll }));
  };
  for (let i = 0; i < 40; i++) await commit([2 * i, 2 * i + 1]);
  const read = `${OPEN}
table = catalog.load_table('shop.ours')
print(json.dumps(sorted(table.scan(row_filter=sys.argv[3]).to_arrow().to_pydict()['id'])))`;
  const rows = async (filter: string) =>
    JSON.parse(await runPyIceberg(read, file, warehouse, filter)) as number[];
  assert.deepEqual(
    await rows("region = 'eu'"),
    Array.from({ length: 80 }, (_, i) => i),
  );
  assert.deepEqual(await rows("region = 'us'"), []);
  assert.deepEqual(await rows('id > 70'), [71, 72, 73, 74, 75, 76, 77, 78, 79]);
  await commit([500, 501], true);
  assert.deepEqual(await rows('id >= 0'), [500, 501]);
  await runPyIceberg(
    `${OPEN}
fields = [pa.field('id', pa.int64(), False), pa.field('name', pa.string()), pa.field('region', pa.string())]
catalog.load_table('shop.ours').append(pa.table({'id': [7], 'name': ['py'], 'region': [None]}, schema=pa.schema(fields)))`,
    file,
    warehouse,
  );
  table = await lake.catalog.load(table.ident);
  await commit([600]);
  assert.deepEqual(await rows('id >= 0'), [7, 500, 501, 600]);
  const plan = await collect(planScan(table));
  assert.deepEqual(plan.map(({ file: live }) => live.file.partition[0]).sort(), ['eu', 'eu', null]);
  assert.equal(table.metadata.snapshots?.at(-1)?.summary['total-records'], '4');
});

test('we read and change a table and a catalog file that PyIceberg made', async () => {
  await using lake = await openLake();
  const file = join(lake.folder, 'theirs.db');
  const warehouse = join(lake.folder, 'their warehouse');
  await runPyIceberg(
    `${OPEN}
from pyiceberg.transforms import IdentityTransform
catalog.create_namespace('py')
schema = pa.schema([pa.field('id', pa.int64(), False), pa.field('d', pa.date32()), pa.field('amount', pa.decimal128(10, 2)), pa.field('odd-name', pa.string())])
table = catalog.create_table('py.theirs', schema=schema)
with table.update_spec() as spec:
    for name in ['odd-name', 'amount', 'd']: spec.add_field(name, IdentityTransform(), 'by ' + name)
rows = {'id': [1, 2, 3], 'd': [datetime.date(2024, 1, 1), None, datetime.date(1950, 2, 3)], 'amount': [decimal.Decimal('-1.50'), decimal.Decimal('12345678.99'), None], 'odd-name': ['a b', None, 'ü']}
table.append(pa.table(rows, schema=schema))
table.delete('id = 2')`,
    file,
    warehouse,
  );
  const catalog = await openCatalog('lake', { type: 'sql', uri: `sqlite:///${file}`, warehouse });
  const ident = { namespace: ['py'], name: 'theirs' };
  assert.deepEqual(await catalog.listNamespaces(), [['py']]);
  let table = await catalog.load(ident);
  const partitions = (await collect(planScan(table))).map(({ file: live }) => live.file.partition);
  assert.deepEqual(partitions.sort(), [
    ['a b', -150n, 19723],
    ['ü', null, -7272],
  ]);
  // Twenty commits of ours merge its manifests.
  for (let i = 0; i < 20; i++)
    ({ table } = await commitChange(catalog, table, { summary: { nth: String(i) } }));
  const printed = await runPyIceberg(
    `${OPEN}
print(json.dumps(sorted(catalog.load_table('py.theirs').scan().to_arrow().to_pydict()['id'])))`,
    file,
    warehouse,
  );
  assert.deepEqual(JSON.parse(printed), [1, 3]);
  await catalog.close();
});

async function writeRows(table: LoadedTable, ids: readonly number[]): Promise<DataFile> {
  const path = dataPath(table.metadata, `${ids.join('-')}.parquet`);
  const output = await table.storage.create(path);
  const writer = new ParquetFileWriter(SCHEMA, output);
  const region = Buffer.from('eu');
  for (const id of ids) {
    writer.columns[0].int64(0, id);
    writer.columns[1].null();
    writer.columns[2].utf8(region, 0, region.length);
  }
  await writer.endRows(ids.length);
  const { fileSizeBytes, recordCount, metrics, splitOffsets } = await writer.close();
  const written = {
    path,
    metrics,
    splitOffsets,
    fileSizeBytes: BigInt(fileSizeBytes),
    recordCount: BigInt(recordCount),
  };
  return { ...fileEntry('data', { partition: ['eu'] }), ...written };
}
