import assert from 'node:assert/strict';
import { test } from 'node:test';
import { columnType, type PgType } from '../../../../src/capture/postgres/codecs/index.ts';
import { printValue } from '../../../../src/capture/postgres/codecs/print.ts';

/** Types of extensions that the test servers do not have, from bytes as their send functions are documented. */
function printed(send: string, hex: string): string {
  const type: PgType = {
    oid: 1,
    name: 'x',
    kind: 'b',
    send,
    element: 0,
    typmod: -1,
    labels: [],
    attributes: [],
  };
  const options = {
    hstoreHandlingMode: 'json',
    moneyFractionDigits: 2,
    includeUnknownDatatypes: false,
  } as const;
  const column = columnType(1, -1, () => type, options)!;
  const cell = Buffer.from(hex.replaceAll(' ', ''), 'hex');
  return printValue({ codec: column.codec, kind: column.type.kind }, cell, 0, cell.length);
}

test('L-10 a PostGIS value keeps its EWKB and shows its SRID', () => {
  const point = '0000000000000000 0000000000000000';
  assert.equal(
    printed('geometry_send', `01 01000020 e6100000 ${point}`),
    `{"\\\\x0101000020e6100000${'0'.repeat(32)}",4326}`,
  );
  assert.equal(
    printed('geography_send', `00 20000001 000010e6 ${point}`),
    `{"\\\\x0020000001000010e6${'0'.repeat(32)}",4326}`,
  );
  assert.equal(printed('geometry_send', `01 01000000 ${point}`), `{"\\\\x0101000000${'0'.repeat(32)}",NULL}`);
});

test('L-10 pgvector values are lists of floats', () => {
  assert.equal(printed('vector_send', '0003 0000 3f800000 c0000000 3dcccccd'), '{1,-2,0.1}');
  assert.equal(
    printed('halfvec_send', '0005 0000 3c00 c000 7c00 0001 fbff'),
    '{1,-2,Infinity,5.9604645e-08,-65504}',
  );
});

test('L-10 a sparse vector has its dimensions, indices from 1 and values', () => {
  const hex = '00000005 00000002 00000000 00000000 00000004 3f800000 40000000';
  assert.equal(printed('sparsevec_send', hex), '{5,{1,5},{1,2}}');
});

test('a type of an unknown extension has no codec', () => {
  const type: PgType = {
    oid: 1,
    name: 'x',
    kind: 'b',
    send: 'cube_send',
    element: 0,
    typmod: -1,
    labels: [],
    attributes: [],
  };
  const options = {
    hstoreHandlingMode: 'json',
    moneyFractionDigits: 2,
    includeUnknownDatatypes: true,
  } as const;
  assert.equal(
    columnType(1, -1, () => type, options),
    null,
  );
});
