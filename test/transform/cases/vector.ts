import { eventOf } from './event.ts';
import {
  type Case,
  caseList,
  int32,
  type Json,
  of,
  plain,
  type Schema,
  struct,
  tombstone,
  untyped,
  whole,
} from './record.ts';

const { cases, debezium } = caseList();

const vector = (name: string, items: Schema, more: Schema = {}): Schema =>
  of('array', { items, name: `io.debezium.data.${name}`, version: 1, ...more });
const vectors = eventOf({
  id: int32({ optional: true, default: 3 }),
  floats: vector('FloatVector', of('float', { optional: false })),
  doubles: vector('DoubleVector', of('double', { optional: true }), { optional: false }),
  sparse: struct(
    'io.debezium.data.SparseDoubleVector',
    {
      dimensions: of('int16', { optional: false }),
      vector: of('map', {
        keys: of('int16', { optional: false }),
        values: of('double', { optional: false }),
        optional: false,
      }),
    },
    { version: 1, optional: true, doc: 'Sparse double vector' },
  ),
});
const sparse = {
  dimensions: 25,
  vector: [
    [11, 1.5],
    [2, 1e10],
    [1, 0.1],
  ],
} as Json;
debezium(
  'VectorToJsonConverter',
  {},
  {
    create: vectors('c', null, {
      id: null,
      floats: [1.1, 2, 3.4028235e38, 1e-3],
      doubles: [1.1, 2, 1e21, null],
      sparse,
    }),
    update: vectors(
      'u',
      { id: 1, floats: [], doubles: [], sparse: null },
      { id: 1, floats: null, doubles: [-0.5], sparse },
    ),
    row: whole(
      struct('srv.inv.v.Value', {
        v: vector('DoubleVector', of('double', { optional: false })),
        n: struct('n', { v: vector('FloatVector', of('float')) }),
      }),
      { v: [1, 2], n: { v: [0.1] } },
    ),
    truncate: vectors('t', null, null),
    tombstone,
    untyped,
    other: plain,
  },
);

export const VECTOR_CASES: readonly Case[] = cases;
