import assert from 'node:assert/strict';
import { test } from 'node:test';
import { printValue } from '../../../src/capture/postgres/codecs/print.ts';
import { textCodec } from '../../../src/capture/postgres/codecs/text.ts';
import {
  isMaskable,
  type Mask,
  maskedCodec,
  maskFor,
  parseMasks,
} from '../../../src/capture/postgres/masks.ts';

function masked(mask: Mask, value: string, length: number | null = null): string {
  const cell = Buffer.from(value);
  return printValue({ codec: maskedCodec(textCodec, mask, length), kind: 'string' }, cell, 0, cell.length);
}

test('L-8 a masked value is stars only', () => {
  assert.equal(masked({ kind: 'chars', count: 5 }, 'secret'), '*****');
  assert.equal(masked({ kind: 'chars', count: 0 }, 'secret'), '');
});

test('L-8 truncation counts as Java does and never leaves half a character', () => {
  assert.equal(masked({ kind: 'truncate', length: 3 }, 'abcdef'), 'abc');
  assert.equal(masked({ kind: 'truncate', length: 3 }, 'ab'), 'ab');
  assert.equal(masked({ kind: 'truncate', length: 2 }, 'a😀b'), 'a');
});

test('L-8 hash version 2 is of salt and text, version 1 of salt and the serialised Java string', () => {
  // sha256('salt' + 'value') and sha256('salt' + ac ed 00 05 74 00 05 + 'value').
  const v2: Mask = { kind: 'hash', algorithm: 'SHA-256', salt: 'salt', version: 2 };
  assert.equal(masked(v2, 'value'), 'd430a1da30afe1a9d07b3b36042151ebaf53c4882af1609733c04930de318e33');
  const v1: Mask = { kind: 'hash', algorithm: 'SHA-256', salt: 'salt', version: 1 };
  assert.equal(masked(v1, 'value'), 'dae38f23ca9165cbf02f8e89f4c7efe983576ecbb3f9454a35a8263f3ac89320');
  assert.equal(masked(v2, 'value', 10).length, 10);
});

test('L-8 rules name columns by pattern and reach text only', () => {
  const { value: rules, errors } = parseMasks({ 'column.mask.with.1.chars': 'public.t.a,public.u.*' });
  assert.equal(errors.size, 0);
  assert.deepEqual(maskFor(rules, 'public.t', 'a'), { kind: 'chars', count: 1 });
  assert.equal(maskFor(rules, 'public.t', 'b'), null);
  assert.ok(isMaskable({ kind: 'string', length: null }, 'citext'));
  assert.ok(isMaskable({ kind: 'enum', values: ['a'] }, 'mood'));
  assert.ok(isMaskable({ kind: 'json' }, 'json'));
  assert.ok(!isMaskable({ kind: 'json' }, 'jsonb'));
  assert.ok(!isMaskable({ kind: 'int32' }, 'int4'));
});
