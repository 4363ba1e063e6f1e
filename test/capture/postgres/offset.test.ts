import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type OffsetFields, PostgresOffset, postgresOffsets } from '../../../src/capture/postgres/offset.ts';
import { IncrementalProgress } from '../../../src/capture/postgres/snapshot/incremental-progress.ts';
import { ReadProgress } from '../../../src/capture/postgres/snapshot/progress.ts';
import type { OffsetJson } from '../../../src/record/offset.ts';

const codec = postgresOffsets('p', (text) => ReadProgress.parse(text));

function offset(fields: Partial<OffsetFields>): PostgresOffset {
  return new PostgresOffset({
    epoch: 0,
    lsn: 100n,
    txId: null,
    timestampMicros: 0,
    initialSnapshot: false,
    progress: null,
    mayExistUntil: 0n,
    ...fields,
  });
}

const parse = (json: OffsetJson) => codec.parse(json, 0) as PostgresOffset;

test('the JSON has the names and order that Debezium writes', () => {
  const streamed = offset({ lsn: 24229616n, txId: 757, timestampMicros: 1795226929797857 });
  assert.equal(
    JSON.stringify(streamed),
    '{"lsn_proc":24229616,"messageType":"COMMIT","lsn_commit":24229616,"lsn":24229616,"txId":757,"ts_usec":1795226929797857}',
  );
  assert.deepEqual(codec.partition, { server: 'p' });
});

test('an offset of ours survives its JSON', () => {
  const progress = ReadProgress.none.withTable('public.t', 5);
  for (const original of [
    offset({ txId: 7, timestampMicros: 12 }),
    offset({ lsn: 0xffff_ffff_ffff_fff0n, txId: 7 }),
    offset({ initialSnapshot: true, progress, mayExistUntil: 120n }),
    offset({ txId: 7, progress }),
  ]) {
    const again = parse(JSON.parse(JSON.stringify(original)));
    assert.deepEqual(again.toJSON(), original.toJSON());
    assert.equal(again.lsn, original.lsn);
    assert.equal(again.initialSnapshot, original.initialSnapshot);
    assert.equal(again.mayExistUntil, original.mayExistUntil);
    assert.equal(again.compare(original), 0);
  }
});

test('P-1 an offset of Debezium within a transaction resumes before that transaction', () => {
  const within = { lsn_proc: 900, messageType: 'INSERT', lsn_commit: 500, lsn: 900, txId: 8, ts_usec: 1 };
  assert.equal(parse(within).lsn, 500n);
  const first = { lsn_proc: 900, messageType: 'INSERT', lsn: 900, txId: 8, ts_usec: 1 };
  assert.equal(parse(first).lsn, 0n, 'only the slot knows where the first transaction began');
  assert.equal(parse({ lsn: 24229616, txId: 757, ts_usec: 1 }).lsn, 24229616n);
});

test('an unfinished snapshot of Debezium begins anew, a finished one does not', () => {
  const begun = { snapshot: 'INITIAL', snapshot_completed: false, lsn: 5, ts_usec: 1 };
  assert.equal(parse(begun).initialSnapshot, true);
  assert.equal(parse({ ...begun, snapshot_completed: true }).initialSnapshot, false);
  assert.equal(parse({ snapshot: true, last_snapshot_record: false, lsn: 5 }).initialSnapshot, true);
});

test('what is no offset is refused', () => {
  const wrong: OffsetJson[] = [{}, { lsn: 'x' }, { lsn: -1 }, { file: 'binlog.1', pos: 4 }];
  for (const json of wrong) {
    assert.throws(() => parse(json), { code: 'config.invalid' });
  }
});

test('O-1 offsets compare by position, then by what of the snapshot is done', () => {
  const a = ReadProgress.none.withTable('s.a', 1);
  const ab = a.withTable('s.b', 2);
  const b = ReadProgress.none.withTable('s.b', 2);
  const order = [
    offset({ initialSnapshot: true, progress: a }),
    offset({ initialSnapshot: true, progress: ab }),
    offset({}),
    offset({ lsn: 101n, progress: a }),
    offset({ lsn: 101n }),
  ];
  for (const [i, x] of order.entries()) {
    for (const [j, y] of order.entries())
      assert.equal(Math.sign(x.compare(y)), Math.sign(i - j), `${i} ${j}`);
  }
  const apart = offset({ initialSnapshot: true, progress: b });
  assert.equal(order[0].compare(apart), -1);
  assert.equal(apart.compare(order[0]), -1);
});

test('O-4 holds says whether the rows of one table before a mark are covered', () => {
  const a = ReadProgress.none.withTable('s.a', 1);
  const reading = offset({ initialSnapshot: true, progress: a });
  const markOfB = offset({ initialSnapshot: true, progress: ReadProgress.none.withTable('s.b', 2) });
  assert.equal(reading.holds(reading, 's.a'), 'all');
  assert.equal(reading.holds(markOfB, 's.b'), 'none');
  assert.equal(offset({}).holds(markOfB, 's.b'), 'all');
  assert.equal(reading.holds(offset({}), 's.a'), 'none');
  assert.equal(offset({ lsn: 99n }).holds(offset({}), 's.a'), 'none');
  assert.equal(offset({ lsn: 101n }).holds(offset({}), 's.a'), 'all');
  const incremental = offset({ lsn: 101n, progress: a });
  assert.equal(incremental.holds(offset({}), 's.b'), 'all', 'streamed before the incremental snapshot began');
  assert.equal(incremental.holds(offset({ lsn: 101n }), 's.b'), 'some', 'or a chunk at the same place');
  const repeated = offset({ mayExistUntil: 120n });
  assert.equal(repeated.holds(offset({ lsn: 120n }), 's.a'), 'some', 'the snapshot may have had it');
  assert.equal(repeated.holds(offset({ lsn: 121n }), 's.a'), 'none');
});

test('O-4 a sink that was ahead says of itself what is true of it, not of whoever was behind', () => {
  const a = ReadProgress.none.withTable('s.a', 1);
  const b = ReadProgress.none.withTable('s.b', 2);
  const held = offset({ mayExistUntil: 120n });
  const again = offset({ lsn: 90n, initialSnapshot: true, progress: a, mayExistUntil: 150n });
  assert.equal(held.onward(again), held, 'the snapshot that is read again is behind it');
  assert.equal(held.onward(offset({ lsn: 95n, mayExistUntil: 150n })), held);
  const next = held.onward(offset({ lsn: 110n, mayExistUntil: 150n })) as PostgresOffset;
  assert.deepEqual([next.lsn, next.mayExistUntil], [110n, 120n], 'it was not given that snapshot');
  const last = held.onward(offset({ lsn: 130n, mayExistUntil: 150n })) as PostgresOffset;
  assert.deepEqual([last.lsn, last.mayExistUntil], [130n, 0n]);
  const end = offset({ lsn: 160n });
  assert.equal(held.onward(end), end);

  const reading = offset({ initialSnapshot: true, progress: a });
  const both = reading.onward(offset({ initialSnapshot: true, progress: b })) as PostgresOffset;
  assert.ok(both.initialSnapshot && both.progress!.holds(a, null) && both.progress!.holds(b, null));
  const streaming = offset({ mayExistUntil: 150n });
  assert.equal(reading.onward(streaming), streaming, 'it took part in all of the rest');
});

test('O-1 the minimum misses nothing of either', () => {
  const a = ReadProgress.none.withTable('s.a', 1);
  const b = ReadProgress.none.withTable('s.b', 2);
  const least = codec.min(
    offset({ initialSnapshot: true, progress: a }),
    offset({ initialSnapshot: true, progress: b }),
  ) as PostgresOffset;
  assert.equal(least.initialSnapshot, true);
  assert.deepEqual(least.progress!.toText(), ReadProgress.none.toText());
  assert.equal((codec.min(offset({}), offset({ lsn: 99n })) as PostgresOffset).lsn, 99n);
});

test('O-1 an initial snapshot comes before one by signals that has no progress in common with it', () => {
  const initial = { initialSnapshot: true, progress: ReadProgress.none.withTable('s.a', 1) };
  const table = { name: 's.a', condition: '', surrogateKey: '' };
  const rest = { step: 1, tables: [table], last: null, max: null, paused: false, replace: [], signal: null };
  const within = offset(initial);
  for (const lsn of [100n, 101n]) {
    const signalled = offset({ lsn, progress: new IncrementalProgress(rest) });
    for (const [a, b] of [[within, signalled] as const, [signalled, within] as const])
      assert.equal(codec.min(a, b), within, `at ${lsn}`);
    assert.ok(within.compare(signalled) < 0);
    assert.ok(signalled.compare(within) > 0);
  }
});

test('O-2 the higher epoch wins, whatever the position', () => {
  const reset = offset({ epoch: 1, lsn: 1n });
  assert.equal((codec.min(offset({}), reset) as PostgresOffset).epoch, 1);
  assert.equal(reset.holds(offset({}), 's.a'), 'all');
  assert.equal(offset({}).holds(reset, 's.a'), 'none');
});
