import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Adapter } from '../../../../src/capture/postgres/events/adapter.ts';
import { JulianDate, JulianTimestamp } from '../../../../src/capture/postgres/events/julian.ts';
import { ValueCollector } from '../../../../src/record/value-collector.ts';

/** Days and microseconds as integers. */
class Numbers extends Adapter {
  override date(days: number): void {
    this.out.int32(days);
  }
  override timestamp(hi: number, lo: number): void {
    this.out.int64(hi, lo);
  }
}

function day(text: string): number {
  return Date.parse(`${text}T00:00:00Z`) / 86_400_000;
}

function readDate(days: number): unknown {
  const collector = new ValueCollector();
  new JulianDate(new Numbers(collector)).date(days);
  return collector.take();
}

function readTimestamp(text: string): unknown {
  const micros = BigInt(Date.parse(text)) * 1000n + 1n;
  const collector = new ValueCollector();
  new JulianTimestamp(new Numbers(collector)).timestamp(Number(micros >> 32n), Number(micros & 0xffff_ffffn));
  return collector.take();
}

// What Debezium's snapshot makes of these.
test('a date that was read keeps its fields but for the era, and no day of October 1582 is missing', () => {
  assert.equal(readDate(day('2024-02-29')), day('2024-02-29'));
  assert.equal(readDate(day('0001-01-01')), day('0001-01-01'));
  assert.equal(readDate(day('1582-10-10')), day('1582-10-20'));
  assert.equal(readDate(day('-000043-03-15')), day('0044-03-15'));
});

test('a timestamp that was read is the instant of the same fields in the Julian calendar', () => {
  const micros = (text: string) => BigInt(Date.parse(text)) * 1000n + 1n;
  const cases = {
    '2024-02-29T12:34:56Z': '2024-02-29T12:34:56Z',
    '1582-10-15T00:00:00Z': '1582-10-15T00:00:00Z',
    '1582-10-10T00:00:00Z': '1582-10-20T00:00:00Z',
    '1582-10-04T00:00:00Z': '1582-10-14T00:00:00Z',
    '0100-02-28T00:00:00Z': '0100-02-26T00:00:00Z',
    '0001-01-01T00:00:00Z': '0000-12-30T00:00:00Z',
    '-000043-03-15T12:00:00Z': '-000043-03-13T12:00:00Z',
  };
  for (const [text, read] of Object.entries(cases)) assert.equal(readTimestamp(text), micros(read), text);
});
