import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SOURCE_SCHEMA, SourceBlock } from '../../../../src/capture/postgres/events/source-block.ts';
import { LSN_NONE } from '../../../../src/capture/postgres/lsn.ts';
import { PostgresOffset } from '../../../../src/capture/postgres/offset.ts';
import { SnapshotMark, Transaction, WindowMark } from '../../../../src/capture/postgres/transaction.ts';
import { Op, type TransactionMark } from '../../../../src/record/batch.ts';
import { BatchBuilder } from '../../../../src/record/builder.ts';
import type { SnapshotMarker } from '../../../../src/record/event.ts';
import { ValueCollector } from '../../../../src/record/value-collector.ts';
import { anyTable } from '../copy-cell.ts';

const MICROS = 1_795_227_643_716_029;

function offsetAt(lsn: bigint): PostgresOffset {
  return new PostgresOffset({
    epoch: 0,
    lsn,
    txId: null,
    timestampMicros: MICROS,
    initialSnapshot: false,
    progress: null,
    mayExistUntil: LSN_NONE,
  });
}

/** The source of one row at `lsn` by field name. */
function sourceOf(mark: TransactionMark, lsn: bigint, snapshot: SnapshotMarker): Record<string, unknown> {
  const builder = new BatchBuilder(0, 0, 0);
  builder.transaction(mark);
  builder.row(anyTable(1), Op.create, 0, -1, -1, Number(lsn >> 32n), Number(lsn & 0xffff_ffffn));
  const collector = new ValueCollector();
  const block = new SourceBlock('shop', { database: 'd', schema: 's', table: 't' });
  block.write(builder.finish(null), 0, snapshot, collector);
  const values = collector.take() as unknown[];
  return Object.fromEntries(SOURCE_SCHEMA.fields!.map(({ name }, i) => [name, values[i]]));
}

test('a streamed row has its transaction, its position and the end of the commit before', () => {
  const mark = new Transaction(offsetAt(5n), 1564, MICROS, 900n, 706_585_552n);
  assert.deepEqual(sourceOf(mark, 706_585_728n, 'false'), {
    version: '3.5.0.Final',
    connector: 'postgresql',
    name: 'shop',
    ts_ms: 1_795_227_643_716n,
    snapshot: null,
    db: 'd',
    sequence: '["706585552","706585728"]',
    ts_us: 1_795_227_643_716_029n,
    ts_ns: 1_795_227_643_716_029_000n,
    schema: 's',
    table: 't',
    txId: 1564n,
    lsn: 706_585_728n,
    xmin: null,
    origin: null,
    origin_lsn: null,
  });
});

test('positions beyond what a double holds are exact', () => {
  for (const lsn of [1n, 999n, 1000n, 0xffff_ffffn, (1n << 53n) - 1n, 1n << 53n, (1n << 63n) - 1n]) {
    const source = sourceOf(new Transaction(offsetAt(5n), 7, MICROS, 900n, null), lsn, 'false');
    assert.equal(source['lsn'], lsn);
    assert.equal(source['sequence'], `[null,"${lsn}"]`);
  }
});

test("a snapshot's rows stand where it was taken, a message outside of transactions has none", () => {
  const read = sourceOf(new SnapshotMark(offsetAt(42n), MICROS, 1548), 0n, 'first');
  assert.deepEqual(
    [read['snapshot'], read['txId'], read['lsn'], read['sequence']],
    ['first', 1548n, 42n, '[null,"42"]'],
  );
  const message = sourceOf(new Transaction(offsetAt(5n), 0, MICROS, 77n, 77n), 77n, 'false');
  assert.deepEqual([message['txId'], message['sequence']], [null, '["77","77"]']);
});

test('rows of an incremental snapshot belong to no transaction and have the time of reading', () => {
  const before = BigInt(Date.now()) * 1000n;
  const source = sourceOf(new WindowMark(offsetAt(42n), 41n), 0n, 'incremental');
  assert.deepEqual([source['txId'], source['lsn'], source['sequence']], [null, null, '["41","41"]']);
  assert.ok((source['ts_us'] as bigint) >= before);
});
