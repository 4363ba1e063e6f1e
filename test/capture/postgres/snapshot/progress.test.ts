import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  IncrementalProgress,
  parseProgress,
} from '../../../../src/capture/postgres/snapshot/incremental-progress.ts';
import { type KeyChunk, ReadProgress } from '../../../../src/capture/postgres/snapshot/progress.ts';

const chunk = (number: number): KeyChunk => ({
  first: number,
  last: number,
  from: number === 0 ? null : [String(number)],
  to: [String(number + 1)],
});

function withChunks(...numbers: number[]): ReadProgress {
  return numbers.reduce(
    (progress, number) => progress.withChunk('s.t', 1, chunk(number), 'A'),
    ReadProgress.none,
  );
}

test('P-4 chunks that end out of order leave gaps, which are what is left', () => {
  assert.deepEqual(withChunks(0, 1, 3).gaps('s.t', 1), [
    { first: 2, last: 2, from: ['2'], to: ['3'] },
    { first: 4, last: Infinity, from: ['4'], to: null },
  ]);
  assert.deepEqual(withChunks(3, 0, 1, 2).gaps('s.t', 1), [
    { first: 4, last: Infinity, from: ['4'], to: null },
  ]);
});

test('P-4 a table that was recreated starts over', () => {
  assert.deepEqual(withChunks(0, 1).gaps('s.t', 2), [{ first: 0, last: Infinity, from: null, to: null }]);
  assert.ok(!ReadProgress.none.withTable('s.t', 1).isDone('s.t', 2));
});

test('O-1 progress holds what it has, of one table or of all', () => {
  const done = ReadProgress.none.withTable('s.t', 1);
  assert.ok(withChunks(0, 1, 2).holds(withChunks(1), 's.t'));
  assert.ok(!withChunks(0, 2).holds(withChunks(1), 's.t'));
  assert.ok(done.holds(withChunks(0, 5), null));
  assert.ok(!withChunks(0).holds(done, 's.t'));
  assert.ok(withChunks(0).holds(done, 's.other'));
  assert.ok(!withChunks(0).holds(withChunks(0).withTable('s.other', 2), null));
});

test('O-1 the minimum is what both have', () => {
  const a = withChunks(0, 1);
  const b = withChunks(0, 1, 2).withTable('s.other', 2);
  assert.equal(a.min(b).toText(), a.toText());
  assert.equal(b.min(a).toText(), a.toText());
  const crossed = withChunks(0, 2).min(withChunks(0, 3));
  assert.equal(crossed.toText(), withChunks(0).toText());
});

test('O-1 of chunks that two snapshots cut differently nothing is known but that there are some', () => {
  const of = (snapshot: string, ...numbers: number[]) =>
    numbers.reduce((progress, n) => progress.withChunk('s.t', 1, chunk(n), snapshot), ReadProgress.none);
  const [first, second] = [of('A', 0, 1, 2), of('B', 0, 1, 2)];
  assert.ok(!first.holds(second, 's.t') && !second.holds(first, 's.t'));
  const both = first.min(second) as ReadProgress;
  assert.deepEqual(both.gaps('s.t', 1), [{ first: 0, last: Infinity, from: null, to: null }]);
  assert.ok(both.isBegun('s.t', 1), 'what is read again may be there');
  assert.ok(first.holds(both, 's.t'));
});

test('O-4 of a table that another run reads, all is there, or something, or nothing', () => {
  const held = withChunks(0, 1).withTable('s.done', 2).withTable('s.keyless', '3@A');
  const marks = ReadProgress.none.withChunk('s.t', 1, chunk(0), 'B');
  assert.equal(held.has(marks, 's.t'), 'some', 'whatever the chunk, its keys may be others');
  assert.equal(held.has(ReadProgress.none.withChunk('s.t', 9, chunk(0), 'B'), 's.t'), 'none', 'made anew');
  assert.equal(held.has(ReadProgress.none.withChunk('s.done', 2, chunk(0), 'B'), 's.done'), 'all');
  assert.equal(held.has(ReadProgress.none.withTable('s.keyless', '3@B'), 's.keyless'), 'none');
  assert.equal(held.has(ReadProgress.none.withTable('s.keyless', '3@A'), 's.keyless'), 'all');
  assert.equal(held.has(ReadProgress.none.withTable('s.new', 4), 's.new'), 'none');
});

test('O-4 what an earlier run had is kept until this one has it', () => {
  const earlier = withChunks(0, 1).withTable('s.done', 2).withTable('s.keyless', '3@A');
  const now = ReadProgress.none.withChunk('s.done', 2, chunk(0), 'B').withTable('s.keyless', '3@B');
  const both = now.and(earlier);
  assert.ok(both.isDone('s.done', 2) && both.isDone('s.keyless', '3@B') && both.isBegun('s.t', 1));
  assert.ok(both.holds(now, null));
});

test('O-1 both kinds of progress come back from their text', () => {
  const read = withChunks(0, 2).withTable('s.done', 7);
  assert.equal(parseProgress(read.toText()).toText(), read.toText());
  const incremental = new IncrementalProgress({
    step: 3,
    tables: [{ name: 's.t', condition: 'a > 1', surrogateKey: '' }],
    last: ["it's"],
    max: ['z'],
    paused: true,
    replace: ['s.u'],
    signal: 'asked',
  });
  assert.equal(parseProgress(incremental.toText()).toText(), incremental.toText());
  assert.ok(incremental.with({ last: ['k'] }).holds(incremental, null));
  assert.ok(!incremental.holds(incremental.with({ last: ['k'] }), null));
  assert.throws(() => parseProgress('nonsense'), { code: 'config.invalid' });
});

test('P-4 a table without a key counts as done for its own snapshot alone', () => {
  const done = ReadProgress.none.withTable('s.k', '7@100');
  assert.ok(done.isDone('s.k', '7@100'));
  assert.ok(!done.isDone('s.k', '7@200'));
  assert.ok(!done.holds(ReadProgress.none.withTable('s.k', '7@200'), 's.k'));
});

test('L-6 a snapshot that replaces is gone on with as one that replaces', () => {
  const progress = ReadProgress.begin(true).withTable('s.t', 1).withChunk('s.u', 2, chunk(0), 'A');
  assert.ok(ReadProgress.parse(progress.toText()).replacing);
  assert.ok(progress.min(progress).toText() === progress.toText());
});
