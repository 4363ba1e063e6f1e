import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLog } from '../../../src/base/log.ts';
import type { Marker } from '../../../src/sink/iceberg/marker.ts';
import { lakePosition, type MarkedTable } from '../../../src/sink/iceberg/position.ts';
import { testOffsets } from './lake.ts';

const log = createLog('silent');

function marker(commitId: string, members: string[], from: number | null, to: number, epoch = 0): Marker {
  return {
    commitId,
    members,
    from: from === null ? null : { position: from },
    to: { position: to },
    epoch,
    stopped: [],
    tables: Object.fromEntries(members.map((name) => [name, name])),
  };
}

function table(name: string, m: Marker | null, idle: number | null = null): MarkedTable {
  return {
    name,
    uuid: name,
    rolledBack: null,
    marker: m,
    idle: idle === null ? null : { to: { position: idle }, epoch: 0, stopped: ['s'] },
  };
}

const position = (tables: MarkedTable[], epoch = 0) => lakePosition(tables, testOffsets, epoch, log);

test('O-4 the newest commit that every member holds is the position', () => {
  const tables = [table('a', marker('2', ['a', 'b'], 1, 5)), table('b', marker('2', ['a', 'b'], 1, 5))];
  assert.deepEqual(position(tables)?.offset.toJSON(), { position: 5 });
});

test('O-4 a commit that one member lacks counts from where it began, and who is ahead skips', () => {
  const tables = [table('a', marker('2', ['a', 'b'], 3, 5)), table('b', marker('1', ['a', 'b'], 1, 3))];
  const found = position(tables)!;
  assert.deepEqual(found.offset.toJSON(), { position: 3 });
  assert.deepEqual([...found.ahead.keys()], ['a']);
  assert.deepEqual(found.ahead.get('a')?.toJSON(), { position: 5 });
});

test('O-4 a table that had nothing in the newest commit does not hold it back', () => {
  const tables = [table('a', marker('2', ['a'], 3, 5)), table('b', marker('1', ['a', 'b'], 1, 3))];
  assert.deepEqual(position(tables)?.offset.toJSON(), { position: 5 });
});

test('O-4 idle progress moves the position and no commit', () => {
  const tables = [table('a', marker('1', ['a'], null, 3), 9)];
  assert.deepEqual(position(tables)?.offset.toJSON(), { position: 9 });
  assert.deepEqual(position(tables)?.stopped, ['s']);
});

test('O-4 a member that never had a commit counts as behind, not as gone', () => {
  const tables = [table('a', marker('2', ['a', 'b'], 3, 5)), table('b', null)];
  const found = position(tables)!;
  assert.deepEqual([...found.lost], []);
  assert.deepEqual(found.offset.toJSON(), { position: 3 });
});

test('O-5 a table that is gone, created again or rolled back is named and holds nobody back', () => {
  const newest = marker('2', ['a', 'b', 'c', 'd'], 3, 5);
  const again = { ...table('c', null), uuid: 'another' };
  const back = { ...table('d', newest), rolledBack: 'was rolled back' };
  const found = position([table('a', newest), again, back])!;
  assert.deepEqual(
    [...found.lost],
    [
      ['b', 'was dropped'],
      ['c', 'was dropped and created again'],
      ['d', 'was rolled back'],
    ],
  );
  assert.deepEqual(found.offset.toJSON(), { position: 5 });
});

test('O-2 markers of an older epoch do not count', () => {
  const tables = [table('a', marker('1', ['a'], null, 3, 1))];
  assert.equal(position(tables, 2), null);
  assert.equal(position(tables, 1)?.offset.epoch, 1);
});

test('a lake without markers has no position', () => {
  assert.equal(position([table('a', null)]), null);
});
