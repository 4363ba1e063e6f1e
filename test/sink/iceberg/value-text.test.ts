import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decimalText, intervalText, timetzText } from '../../../src/sink/iceberg/value-text.ts';

const halves = (micros: number): [number, number] => {
  const hi = Math.floor(micros / 2 ** 32);
  return [hi, micros - hi * 2 ** 32];
};

test('decimals keep every digit', () => {
  assert.equal(decimalText(-12340n, 3), '-12.340');
  assert.equal(decimalText(5n, 3), '0.005');
  assert.equal(decimalText(-5n, 0), '-5');
  assert.equal(decimalText(12n, -3), '12000');
});

test('times with a zone are given in UTC', () => {
  assert.equal(timetzText(...halves(14706789012), 7200), '02:05:06.789012Z');
  assert.equal(timetzText(...halves(0), 3600), '23:00:00Z');
  assert.equal(timetzText(...halves(86_399_000_000), -3600), '00:59:59Z');
});

test('intervals are ISO 8601 with each part of its own sign', () => {
  assert.equal(intervalText(14, 3, ...halves(14_706_780_000)), 'P1Y2M3DT4H5M6.78S');
  assert.equal(intervalText(-1, 0, ...halves(-1_500_000)), 'P-1MT-1.5S');
  assert.equal(intervalText(0, 0, ...halves(0)), 'PT0S');
});
