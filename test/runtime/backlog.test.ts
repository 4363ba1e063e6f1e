import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { postgresMarks } from '../../src/capture/postgres/mark-codec.ts';
import { PostgresOffset, postgresOffsets } from '../../src/capture/postgres/offset.ts';
import { parseProgress } from '../../src/capture/postgres/snapshot/incremental-progress.ts';
import { SnapshotMark, Transaction, WindowMark } from '../../src/capture/postgres/transaction.ts';
import { type ChangeBatch, Op } from '../../src/record/batch.ts';
import { BatchCodec } from '../../src/record/batch-codec.ts';
import { BatchBuilder } from '../../src/record/builder.ts';
import { Backlog, type BacklogState } from '../../src/runtime/backlog.ts';
import { BatchSpool } from '../../src/runtime/batch-spool.ts';
import { textTable } from '../sink/iceberg/rows.ts';

const offsets = postgresOffsets('p', parseProgress);
const codec = () => new BatchCodec(offsets, postgresMarks(offsets));
const table = textTable(['id', 'v'], ['id']);
const base = new PostgresOffset({
  epoch: 2,
  lsn: 100n,
  txId: 7,
  timestampMicros: 1,
  initialSnapshot: false,
  progress: null,
  mayExistUntil: 900n,
});
const never = new AbortController().signal;

/** Rows of one transaction; `open`: it goes on in the next batch. */
function batchOf(transaction: Transaction, ids: readonly string[], open = false): ChangeBatch {
  const builder = new BatchBuilder(16, 4, 2);
  builder.transaction(transaction);
  for (const id of ids) {
    const first = builder.cellCount;
    for (const text of [id, `value of ${id}`]) {
      const bytes = Buffer.from(text);
      builder.cell(builder.append(bytes, 0, bytes.length), bytes.length);
    }
    builder.row(table, Op.create, 0, -1, first, 0, 5);
  }
  return builder.finish(open ? null : transaction.offset);
}

/** All of a batch that means something. */
function content(batch: ChangeBatch): unknown {
  const { rowCount, cellCount, byteLength, tables, tableMarks, offset, transactions, repair } = batch;
  const { notifications } = batch;
  return {
    bytes: Buffer.from(batch.bytes.subarray(0, byteLength)).toString('hex'),
    cells: [[...batch.cellStart.subarray(0, cellCount)], [...batch.cellLength.subarray(0, cellCount)]],
    rows: [batch.op, batch.flags, batch.tableOf, batch.before, batch.after, batch.transactionOf].map(
      (array) => [...array.subarray(0, rowCount)],
    ),
    positions: [batch.positionHi, batch.positionLo].map((array) => [...array.subarray(0, rowCount)]),
    tables,
    tableMarks,
    offset,
    repair,
    notifications,
    transactions: transactions.map((mark) => ({ ...mark, offset: mark.offset, id: mark.id })),
  };
}

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'icestream-backlog-'));
  t.after(() => rm(path, { recursive: true }));
  return join(path, 'spool');
}

test('a batch comes back from its bytes as it was', () => {
  const marks = [
    new Transaction(base, 8, 2_000_000, 300n, 250n),
    new Transaction(base.with({ progress: parseProgress('{"done":{"s.t":5},"tables":{}}') }), 0, 3, 0n, null),
    new SnapshotMark(base.with({ initialSnapshot: true }), 4, null),
    new WindowMark(base, 290n),
  ];
  const cell = fc.oneof(fc.constant(null), fc.uint8Array({ maxLength: 9 }));
  const row = fc.record({
    op: fc.constantFrom(1, 2, 3, 4),
    flags: fc.nat(1),
    mark: fc.nat(3),
    cells: fc.tuple(cell, cell),
  });
  const shared = codec();
  fc.assert(
    fc.property(fc.array(row), fc.option(fc.boolean(), { nil: undefined }), (rows, repair) => {
      const builder = new BatchBuilder(8, 2, 1);
      for (const { op, flags, mark, cells } of rows) {
        builder.transaction(marks[mark]!);
        const first = builder.cellCount;
        for (const bytes of cells)
          if (bytes === null) builder.cell(0, -1);
          else builder.cell(builder.append(Buffer.from(bytes), 0, bytes.length), bytes.length);
        builder.row(table, op as 1, flags, flags === 0 ? -1 : first, first, 0xffff_ffff, mark);
      }
      builder.mark(table, 'snapshot-end', true, { last: false, offset: base });
      const told = {
        id: 'i',
        type: 'STARTED',
        aggregateType: 'Initial Snapshot',
        data: { k: 'v' },
        timestampMs: 5,
      };
      const more = repair === undefined ? { notifications: [told] } : { repair };
      const batch = { ...builder.finish(base), ...more };
      const again = shared.decode(new Uint8Array(Buffer.concat(shared.encode(batch))), null);
      assert.deepEqual(content(again), content(batch));
    }),
  );
});

test('damaged bytes are no batch', () => {
  const shared = codec();
  const bytes = Buffer.concat(shared.encode(batchOf(new Transaction(base, 8, 1, 300n), ['a'])));
  assert.throws(() => shared.decode(new Uint8Array(bytes.subarray(0, -1)), null), { code: 'storage.io' });
});

test('S-1 what a sink does not take goes to disk after a while, in order, and comes back to memory', async (t) => {
  const path = await folder(t);
  const states: BacklogState[] = [];
  const spool = new BatchSpool(path, codec());
  const backlog = new Backlog({
    memoryBytes: 1,
    graceMs: 1,
    spool,
    spoolBytesMax: Number.MAX_SAFE_INTEGER,
    onState: (state) => states.push(state),
  });
  const large = new Transaction(base, 9, 1, 400n);
  const pushed = [
    batchOf(new Transaction(base, 8, 1, 300n), ['a', 'b']),
    batchOf(large, ['c'], true),
    batchOf(large, ['d'], true),
    batchOf(large, ['e']),
  ];
  for (const batch of pushed) await backlog.push(batch, never);
  assert.ok(spool.bytes > 0 && states.at(-1)!.spooledBytes === spool.bytes && !states.at(-1)!.stalls);
  assert.equal((await readdir(path)).length, 1);

  const taken: ChangeBatch[] = [];
  for (const _ of pushed) {
    const batch = (await backlog.next())!;
    taken.push(batch);
    backlog.done(batch);
  }
  const expected = pushed.map((batch) => (content(batch) as { bytes: string }).bytes);
  assert.deepEqual(
    taken.map((batch) => (content(batch) as { bytes: string }).bytes),
    expected,
  );
  const marks = taken.slice(1).map(({ transactions }) => transactions[0]);
  assert.ok(
    marks.every((mark) => mark === marks[0]),
    'one transaction is one object',
  );
  assert.ok(backlog.isEmpty && states.at(-1)!.spooledBytes === 0);

  const next = batchOf(new Transaction(base, 10, 1, 500n), ['f']);
  await backlog.push(next, never);
  assert.equal(await backlog.next(), next, 'nothing is written any more');
  await backlog.close();
  assert.deepEqual(await readdir(path), []);
});

test('S-1 with a full disk quota whoever pushes waits, and it is said for whom', async (t) => {
  const states: BacklogState[] = [];
  const spool = new BatchSpool(await folder(t), codec());
  const onState = (state: BacklogState) => states.push(state);
  const backlog = new Backlog({ memoryBytes: 1, graceMs: 1, spool, spoolBytesMax: 1, onState });
  const batch = (xid: number) => batchOf(new Transaction(base, xid, 1, BigInt(xid)), [String(xid)]);
  await backlog.push(batch(1), never);
  await backlog.push(batch(2), never);
  let isPushed = false;
  const pushing = backlog.push(batch(3), never).then(() => {
    isPushed = true;
  });
  while (!states.at(-1)!.stalls) await backlog.changed(AbortSignal.timeout(20));
  assert.ok(!isPushed);
  for (let i = 0; i < 2; i++) backlog.done((await backlog.next())!);
  await pushing;
  assert.equal(states.at(-1)!.stalls, false);
  const gone = new AbortController();
  const waiting = backlog.push(batch(4), gone.signal);
  gone.abort();
  await waiting;
  backlog.done((await backlog.next())!);
  assert.ok(backlog.isEmpty, 'it was not taken');
});

test('S-1 at the end what is in memory is handed out, and what is on disk if it is wanted', async (t) => {
  for (const all of [false, true]) {
    const spool = new BatchSpool(await folder(t), codec());
    const backlog = new Backlog({ memoryBytes: 1, graceMs: 1, spool, spoolBytesMax: 1e9, onState() {} });
    for (let xid = 1; xid <= 3; xid++)
      await backlog.push(batchOf(new Transaction(base, xid, 1, BigInt(xid)), ['x']), never);
    await backlog.end(all);
    let handedOut = 0;
    for (let batch = await backlog.next(); batch !== null; batch = await backlog.next()) {
      backlog.done(batch);
      handedOut++;
    }
    assert.equal(handedOut, all ? 3 : 1);
    await backlog.close();
  }
});
