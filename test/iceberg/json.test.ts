import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseJson, printJson } from '../../src/iceberg/json.ts';

test('64-bit fields are read as BigInts and printed as they were', () => {
  const text =
    '{"snapshot-id":9223372036854775807,"parent-snapshot-id":-1,"timestamp-ms":1700000000000,' +
    '"snapshot-ids":[1,9007199254740993],"last-column-id":3,"refs":{"main":{"snapshot-id":12}}}';
  const value = parseJson<Record<string, unknown>>(text);
  assert.equal(value['snapshot-id'], 9223372036854775807n);
  assert.equal(value['parent-snapshot-id'], -1n);
  assert.deepEqual(value['snapshot-ids'], [1n, 9007199254740993n]);
  assert.equal(value['last-column-id'], 3);
  assert.equal(printJson(value), text);
});

test('what is unknown survives: order of fields, large integers, strings and fractions', () => {
  const text = '{"z":1,"a":{"huge":123456789012345678901234567890,"e":1.5},"2":"3","snapshot-id":"text"}';
  const value = parseJson<Record<string, unknown>>(text);
  // An object's integer-like keys come first in JavaScript; everything else keeps its place.
  assert.equal(
    printJson(value),
    '{"2":"3","z":1,"a":{"huge":123456789012345678901234567890,"e":1.5},"snapshot-id":"text"}',
  );
});

test('null and false stay null and false under a 64-bit name', () => {
  const text = '{"current-snapshot-id":null,"snapshot-id":false}';
  assert.equal(printJson(parseJson(text)), text);
});

test('what is not JSON is a syntax error', () => {
  assert.throws(() => parseJson('{"a":'), SyntaxError);
});
