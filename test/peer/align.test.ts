import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { align } from './align.ts';

const items = fc.array(fc.tuple(fc.constantFrom<Item[0][]>('a', 'b', 'c'), fc.integer({ min: 0, max: 3 })), {
  maxLength: 12,
});
type Item = ['a' | 'b' | 'c' | 'x', number];
const strong = ([key, value]: Item) => `${key}${value}`;
const weak = ([key]: Item) => key;

test('every item is in one place, and pairs keep the order of both sides', () => {
  fc.assert(
    fc.property(items, items, (left, right) => {
      const { pairs, onlyLeft, onlyRight } = align(left, right, strong, weak);
      assert.deepEqual(new Set([...pairs.map(([it]) => it), ...onlyLeft]), new Set(left));
      assert.deepEqual(new Set([...pairs.map(([, it]) => it), ...onlyRight]), new Set(right));
      assert.equal(pairs.length + onlyLeft.length, left.length);
      assert.equal(pairs.length + onlyRight.length, right.length);
      const sorted = pairs.toSorted(([a], [b]) => left.indexOf(a) - left.indexOf(b));
      const indexes = sorted.map(([, it]) => right.indexOf(it));
      assert.deepEqual(
        indexes,
        indexes.toSorted((a, b) => a - b),
      );
    }),
  );
});

test('equal sequences are paired item by item', () => {
  fc.assert(
    fc.property(items, (left) => {
      const right = left.map(([key, value]) => [key, value] as Item);
      const { pairs } = align(left, right, strong, weak);
      assert.deepEqual(
        pairs.map(([a, b]) => [left.indexOf(a), right.indexOf(b)]).sort(([a], [b]) => a! - b!),
        left.map((_, index) => [index, index]),
      );
    }),
  );
});

test('one item more does not shift those after it', () => {
  const left: Item[] = [
    ['a', 1],
    ['b', 1],
    ['a', 2],
    ['c', 1],
  ];
  const right: Item[] = [
    ['a', 1],
    ['x', 9],
    ['b', 2],
    ['a', 2],
    ['c', 1],
  ];
  const { pairs, onlyLeft, onlyRight } = align(left, right, strong, weak);
  assert.equal(pairs.length, 4);
  assert.deepEqual(onlyLeft, []);
  assert.deepEqual(onlyRight, [['x', 9]]);
});
