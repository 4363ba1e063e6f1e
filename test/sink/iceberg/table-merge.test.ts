import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ChangeBatch } from '../../../src/record/batch.ts';
import type { TableSchema } from '../../../src/record/table.ts';
import { Overlay } from '../../../src/sink/iceberg/overlay.ts';
import { absorbAll, SpillStore } from '../../../src/sink/iceberg/spill.ts';
import { DELETE, LIVE, TableMerge, UNRESOLVED } from '../../../src/sink/iceberg/table-merge.ts';
import { changeBatch, readImage, type TestCell, type TestChange, textTable } from './rows.ts';

class Merged {
  readonly batches: ChangeBatch[] = [];
  readonly overlay = new Overlay(this.batches);
  readonly schemas: TableSchema[];
  merge: TableMerge;

  constructor(schemas: TableSchema[]) {
    this.schemas = schemas;
    this.merge = new TableMerge(schemas, this.overlay, false);
  }

  apply(changes: readonly TestChange[], schema = 0): this {
    const batch = changeBatch(this.schemas[schema], changes);
    const number = this.batches.push(batch) - 1;
    for (let row = 0; row < batch.rowCount; row++) this.merge.apply(batch, number, row, schema);
    return this;
  }

  live(): TestCell[][] {
    return this.#images(LIVE);
  }

  /** Keys that equality deletes are written for. */
  deletes(): TestCell[] {
    return this.#images(DELETE).map((row) => row[0]);
  }

  #images(flag: number): TestCell[][] {
    const { batch, cell, schema } = this.merge.images;
    this.overlay.batch();
    return Array.from({ length: this.merge.index.count }, (_, entry) => entry)
      .filter((entry) => (this.merge.flags[entry] & flag) !== 0)
      .map((entry) =>
        readImage(this.batches[batch[entry]], cell[entry], this.schemas[schema[entry]].columns.length),
      );
  }
}

const table = textTable(['id', 'a', 'b'], ['id']);
const full = textTable(['id', 'a', 'b'], ['id'], { full: true });

test('L-2 a create writes no delete, an update and a delete do', () => {
  const merged = new Merged([table]).apply([
    { op: 'c', after: ['1', 'x', 'y'] },
    { op: 'u', after: ['2', 'x', 'y'] },
    { op: 'd', before: ['3', null, null] },
  ]);
  assert.deepEqual(merged.live(), [
    ['1', 'x', 'y'],
    ['2', 'x', 'y'],
  ]);
  assert.deepEqual(merged.deletes(), ['2', '3']);
});

test('L-2 what is created and deleted within a micro-batch leaves nothing', () => {
  const merged = new Merged([table]).apply([
    { op: 'c', after: ['1', 'x', 'y'] },
    { op: 'u', after: ['1', 'z', 'y'] },
    { op: 'd', before: ['1', null, null] },
  ]);
  assert.deepEqual([merged.live(), merged.deletes()], [[], []]);
});

test('P-4 a row that may exist already is deleted first, whatever its operation', () => {
  const merged = new Merged([table]).apply([
    { op: 'r', after: ['1', 'x', 'y'], mayExist: true },
    { op: 'c', after: ['2', 'x', 'y'], mayExist: true },
  ]);
  assert.deepEqual(merged.deletes(), ['1', '2']);
  assert.equal(merged.live().length, 2);
});

test('L-1 a key change deletes the old key and brings the new one', () => {
  const merged = new Merged([table]).apply([{ op: 'u', before: ['1', null, null], after: ['2', 'x', 'y'] }]);
  assert.deepEqual(merged.live(), [['2', 'x', 'y']]);
  assert.deepEqual(merged.deletes(), ['1', '2']);
});

test('P-6 unchanged cells come from the before-image, then from the micro-batch, also across a key change', () => {
  const fromImage = new Merged([full]).apply([
    { op: 'u', before: ['1', 'x', 'big'], after: ['1', 'z', undefined] },
  ]);
  assert.deepEqual(fromImage.live(), [['1', 'z', 'big']]);
  const fromBatch = new Merged([table]).apply([
    { op: 'c', after: ['1', 'x', 'big'] },
    { op: 'u', after: ['1', 'z', undefined] },
    { op: 'u', before: ['1', null, null], after: ['2', 'w', undefined] },
  ]);
  assert.deepEqual(fromBatch.live(), [['2', 'w', 'big']]);
  assert.equal(fromBatch.merge.origins.size, 0);
});

test('P-6 a cell that is nowhere stays unresolved, and the key under which the lake has it is remembered', () => {
  const merged = new Merged([table]).apply([
    { op: 'u', after: ['1', 'x', undefined] },
    { op: 'u', before: ['1', null, null], after: ['2', 'y', undefined] },
    { op: 'u', before: ['2', null, null], after: ['3', 'z', undefined] },
  ]);
  const entry = merged.merge.index.count - 1;
  assert.equal(merged.merge.flags[entry] & UNRESOLVED, UNRESOLVED);
  const origin = merged.merge.origins.get(entry)!;
  assert.equal(readImage(merged.batches[origin.batch], origin.cell, 3)[0], '1');
});

test('P-3 an unchanged cell is found in an earlier version of the table by its lasting number', () => {
  const renamed = textTable(['id', 'c', 'b'], ['id'], { version: 2, sourceIds: [1, 2, 3] });
  const merged = new Merged([table, renamed])
    .apply([{ op: 'c', after: ['1', 'big', 'y'] }])
    .apply([{ op: 'u', after: ['1', undefined, 'z'] }], 1);
  assert.deepEqual(merged.live(), [['1', 'big', 'z']]);
});

test('a NULL in a key is refused', () => {
  assert.throws(() => new Merged([table]).apply([{ op: 'c', after: [null, 'x', 'y'] }]), {
    code: 'table.null-key',
  });
});

/** Steps on a few keys; what they mean depends on whether the key exists, as at a real source. */
const steps = fc.array(
  fc.record({
    key: fc.integer({ min: 0, max: 5 }),
    to: fc.integer({ min: 0, max: 5 }),
    kind: fc.constantFrom('put', 'partial', 'move', 'delete'),
    value: fc.string({ maxLength: 3 }),
  }),
  { maxLength: 60 },
);

interface Scenario {
  readonly changes: readonly TestChange[];
  readonly state: ReadonlyMap<string, readonly string[]>;
}

/** What a source with `initial` rows would log for these steps, and its state after them. */
function play(
  initial: ReadonlyMap<string, readonly string[]>,
  plan: readonly { key: number; to: number; kind: string; value: string }[],
): Scenario {
  const state = new Map(initial);
  const changes: TestChange[] = [];
  for (const { key, to, kind, value } of plan) {
    const id = `k${key}`;
    const row = state.get(id);
    if (row === undefined) {
      if (kind === 'delete') continue;
      const created = [id, value, `big${value}`];
      state.set(id, created);
      changes.push({ op: 'c', after: created });
    } else if (kind === 'delete') {
      state.delete(id);
      changes.push({ op: 'd', before: [id, null, null] });
    } else if (kind === 'move' && !state.has(`k${to}`)) {
      const moved = [`k${to}`, value, row[2]];
      state.delete(id);
      state.set(moved[0], moved);
      changes.push({ op: 'u', before: [id, null, null], after: [moved[0], value, undefined] });
    } else {
      const partial = kind === 'partial';
      const updated = [id, value, partial ? row[2] : `new${value}`];
      state.set(id, updated);
      changes.push({ op: 'u', after: [id, value, partial ? undefined : updated[2]] });
    }
  }
  return { changes, state };
}

/** The lake after the merge: deletes first, then the live rows, unresolved cells read from the lake before. */
function applyToLake(
  lake: ReadonlyMap<string, readonly string[]>,
  merge: TableMerge,
  batches: readonly ChangeBatch[],
) {
  const result = new Map(lake);
  const { batch, cell } = merge.images;
  const image = (entry: number) => readImage(batches[batch[entry]], cell[entry], 3);
  for (let entry = 0; entry < merge.index.count; entry++) {
    if ((merge.flags[entry] & DELETE) !== 0) result.delete(image(entry)[0]!);
  }
  for (let entry = 0; entry < merge.index.count; entry++) {
    if ((merge.flags[entry] & LIVE) === 0) continue;
    const row = image(entry);
    if ((merge.flags[entry] & UNRESOLVED) !== 0) {
      const origin = merge.origins.get(entry);
      const key = origin === undefined ? row[0]! : readImage(batches[origin.batch], origin.cell, 3)[0]!;
      row[2] = lake.get(key)![2];
    }
    assert.ok(
      !result.has(row[0]!),
      'an equality delete of the same commit would not reach a row that is there twice',
    );
    result.set(row[0]!, row as string[]);
  }
  return new Map([...result].sort());
}

const initialRows = new Map(['k0', 'k1', 'k2'].map((id) => [id, [id, 'i', `lake-${id}`]]));

test('L-1 any history of a micro-batch leaves the lake as the source', () => {
  fc.assert(
    fc.property(steps, (plan) => {
      const { changes, state } = play(initialRows, plan);
      const merged = new Merged([table]).apply(changes);
      merged.overlay.batch();
      assert.deepEqual(applyToLake(initialRows, merged.merge, merged.batches), new Map([...state].sort()));
    }),
    { numRuns: 500 },
  );
});

test('L-4 the same when the micro-batch goes through the disk in several runs', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'icestream-spill-'));
  try {
    await fc.assert(
      fc.asyncProperty(steps, fc.integer({ min: 1, max: 8 }), async (plan, runLength) => {
        const { changes, state } = play(initialRows, plan);
        const spill = new SpillStore(directory, 't');
        for (let i = 0; i < changes.length; i += runLength) {
          const run = new Merged([table]).apply(changes.slice(i, i + runLength));
          await spill.add(run.merge, run.batches, run.overlay, [table]);
        }
        let lake: ReadonlyMap<string, readonly string[]> = initialRows;
        const parts: [TableMerge, ChangeBatch[]][] = [];
        for await (const part of spill.portions([table], 100)) {
          const batches: ChangeBatch[] = [];
          const overlay = new Overlay(batches);
          const merge = new TableMerge([table], overlay, false);
          absorbAll(part, batches.push(part) - 1, merge, [table]);
          overlay.batch();
          parts.push([merge, batches]);
        }
        await spill.close();
        // Unresolved cells are read from the lake as it was, so all parts' rows are put together before any is applied.
        lake = applyParts(initialRows, parts);
        assert.deepEqual(lake, new Map([...state].sort()));
      }),
      { numRuns: 60 },
    );
  } finally {
    await rm(directory, { recursive: true });
  }
});

function applyParts(
  lake: ReadonlyMap<string, readonly string[]>,
  parts: readonly [TableMerge, ChangeBatch[]][],
) {
  const result = new Map(lake);
  for (const [merge, batches] of parts) {
    const own = applyToLakeOf(lake, merge, batches);
    for (const key of own.deleted) result.delete(key);
  }
  for (const [merge, batches] of parts)
    for (const [key, row] of applyToLakeOf(lake, merge, batches).rows) result.set(key, row);
  return new Map([...result].sort());
}

function applyToLakeOf(
  lake: ReadonlyMap<string, readonly string[]>,
  merge: TableMerge,
  batches: readonly ChangeBatch[],
) {
  const deleted: string[] = [];
  const rows: [string, readonly string[]][] = [];
  for (let entry = 0; entry < merge.index.count; entry++) {
    const row = readImage(batches[merge.images.batch[entry]], merge.images.cell[entry], 3);
    if ((merge.flags[entry] & DELETE) !== 0) deleted.push(row[0]!);
    if ((merge.flags[entry] & LIVE) === 0) continue;
    if ((merge.flags[entry] & UNRESOLVED) !== 0) {
      const origin = merge.origins.get(entry);
      const key = origin === undefined ? row[0]! : readImage(batches[origin.batch], origin.cell, 3)[0]!;
      row[2] = lake.get(key)![2];
    }
    rows.push([row[0]!, row as string[]]);
  }
  return { deleted, rows };
}
