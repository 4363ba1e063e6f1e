import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectDateText } from '../../src/convert/java-date.ts';

test('dates as text are a time, a date or both by their value, whatever their type', () => {
  const day = 86_400_000;
  assert.equal(connectDateText(-day), '00:00:00.000Z');
  assert.equal(connectDateText(-1), '23:59:59.999Z');
  assert.equal(connectDateText(0), '00:00:00.000Z');
  assert.equal(connectDateText(day), '1970-01-02');
  assert.equal(connectDateText(day + 1), '1970-01-02T00:00:00.001Z');
  // What Debezium makes of an infinite date is beyond what JavaScript has a Date for.
  assert.equal(connectDateText(-2_147_472_692 * day), '00:00:00.000Z');
});
