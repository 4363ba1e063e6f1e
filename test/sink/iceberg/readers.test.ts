import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newTableMetadata } from '../../../src/iceberg/create.ts';
import type { TableMetadata } from '../../../src/iceberg/metadata.ts';
import type { TableSchema } from '../../../src/record/table.ts';
import { validateIcebergConfig } from '../../../src/sink/iceberg/config.ts';
import { newLakeSchema } from '../../../src/sink/iceberg/evolution.ts';
import { parsePartitionBy } from '../../../src/sink/iceberg/partition-by.ts';
import { invalidReaders, planDeletes, untriedReaders } from '../../../src/sink/iceberg/readers.ts';
import { textTable } from './rows.ts';

const plain = textTable(['id', 'region', 'v'], ['id']);
const required = withNotNull(plain, 'region');

test('L-3 readers that refuse equality deletes are refused with upsert mode, and taken without', () => {
  for (const reader of ['pyiceberg', 'polars', 'daft', 'snowflake', 'databricks']) {
    const problem = invalidReaders(['spark', reader], true);
    assert.match(
      problem ?? '',
      new RegExp(`^${reader} cannot read equality deletes.*upsert-mode-enabled=false`),
    );
    assert.equal(invalidReaders(['spark', reader], false), null);
  }
});

test('L-3 an unknown reader is refused, with the nearest known name', () => {
  assert.match(
    invalidReaders(['duckbd'], true) ?? '',
    /^duckbd is not a known reader \(duckdb\?\); known are spark/,
  );
});

test('L-3 the configuration tells what is wrong with its readers', () => {
  const config = {
    'iceberg.catalog.type': 'rest',
    'iceberg.catalog.uri': 'http://127.0.0.1:1',
    'iceberg.readers': 'Spark, PyIceberg',
  };
  assert.deepEqual([...validateIcebergConfig(config).keys()], ['iceberg.readers']);
  assert.match(validateIcebergConfig(config).get('iceberg.readers')![0], /: pyiceberg cannot read equality/);
  const appending = { ...config, 'iceberg.tables.upsert-mode-enabled': 'false' };
  assert.equal(validateIcebergConfig(appending).size, 0);
});

test('readers of whom it is not known are named for a warning', () => {
  assert.deepEqual(untriedReaders(['spark', 'redshift', 'bigquery']), ['redshift', 'bigquery']);
});

test('L-3 without readers deletes are scoped: by the key where it has the partition, else by the lake', () => {
  assert.equal(scope(plain, '', []), 'unpartitioned');
  assert.equal(scope(plain, 'bucket(id, 4)', []), 'key');
  assert.equal(scope(plain, 'region', []), 'lookup');
  assert.equal(scope(plain, 'bucket(id, 4), region', []), 'lookup');
  assert.equal(scope(textTable(['id', 'region'], []), 'region', []), 'none');
});

test('L-3 readers that take scoped deletes as they are get them', () => {
  for (const readers of [['spark', 'trino', 'clickhouse'], ['clickhouse'], ['athena', 'flink']])
    assert.equal(scope(plain, 'region', readers), 'lookup');
  assert.equal(scope(required, 'region', ['duckdb', 'clickhouse']), 'lookup');
  assert.equal(scope(plain, 'bucket(id, 4)', ['impala', 'hive', 'duckdb']), 'key');
});

test('L-3 where DuckDB would abort, deletes are global if all readers apply such, else the table is refused', () => {
  assert.equal(scope(plain, 'region', ['duckdb']), 'global');
  assert.equal(scope(plain, 'region', ['duckdb', 'spark', 'trino']), 'global');
  for (const other of ['clickhouse', 'athena']) {
    assert.throws(() => scope(plain, 'region', ['duckdb', other]), {
      code: 'table.unreadable',
      message: /public\.t: its partition column region can be NULL/,
      hint: /NOT NULL/,
    });
  }
});

test('L-3 two partitioned specs are as a NULL to DuckDB', () => {
  const table = metadata(required, 'bucket(id, 4)');
  const second = { 'spec-id': 2, fields: parsePartitionBy(['region'], table.schemas[0], required)[1].fields };
  const evolved = { ...table, 'partition-specs': [...table['partition-specs'], second] };
  assert.equal(planDeletes(evolved, required, ['duckdb']).scope, 'global');
  assert.equal(planDeletes(evolved, required, ['clickhouse']).scope, 'lookup');
  assert.throws(() => planDeletes(evolved, required, ['duckdb', 'clickhouse']), /partitioned in two ways/);
});

test('L-3 a global delete is never written under a partitioned spec', () => {
  const table = metadata(plain, 'region');
  const [unpartitioned, real] = table['partition-specs'];
  assert.deepEqual(planDeletes(table, plain, ['duckdb']).spec, unpartitioned);
  const foreign = { ...table, 'partition-specs': [{ ...real, 'spec-id': 0 }] };
  assert.throws(() => planDeletes(foreign, plain, ['duckdb']), { code: 'table.unreadable' });
});

test('L-3 a partition column that is gone at the source is NULL from now on', () => {
  const table = metadata(required, 'region');
  const dropped = textTable(['id', 'v'], ['id'], { sourceIds: [1, 3] });
  assert.throws(() => planDeletes(table, dropped, ['duckdb', 'clickhouse']), /region can be NULL/);
});

test('L-3 Impala and Hive want the partition columns in the key', () => {
  assert.throws(() => scope(required, 'region', ['impala']), /region is not part of the key/);
  assert.equal(scope(textTable(['id', 'region'], ['id', 'region']), 'region', ['hive']), 'key');
});

function scope(table: TableSchema, partitionBy: string, readers: readonly string[]): string {
  return planDeletes(metadata(table, partitionBy), table, readers).scope;
}

function metadata(table: TableSchema, partitionBy: string): TableMetadata {
  const { schema } = newLakeSchema(table);
  const fields = partitionBy === '' ? [] : partitionBy.split(/, (?![^(]*\))/);
  const specs = parsePartitionBy(fields, schema, table);
  const ident = { namespace: ['n'], name: 't' };
  return newTableMetadata({ ident, schema, specs, properties: {} }, '/lake/t');
}

function withNotNull(table: TableSchema, name: string): TableSchema {
  const columns = table.columns.map((column) =>
    column.name === name ? { ...column, nullable: false } : column,
  );
  return { ...table, columns };
}
