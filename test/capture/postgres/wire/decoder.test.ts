import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { IcestreamError } from '../../../../src/base/errors.ts';
import { Stop } from '../../../../src/capture/postgres/wire/decoder.ts';
import { type ChangeBatch, MAY_EXIST } from '../../../../src/record/batch.ts';
import { UNCHANGED } from '../plain.ts';
import { Driver, newDecoder, offsetAt, recorded } from './decode.ts';

const PLAIN = recorded('plain');
const STREAMED = recorded('streamed');

function decoded(bytes: Buffer, chunk = bytes.length): Driver {
  const driver = new Driver(newDecoder());
  for (let at = 0; at < bytes.length; at += chunk) driver.feed(bytes.subarray(at, at + chunk));
  return driver.flush();
}

const text = (value: string) => Buffer.from(value).toString('hex');
const int = (value: number) => value.toString(16).padStart(8, '0');

test('recorded changes decode to their images', () => {
  const { rows, batches } = decoded(PLAIN);
  const seen = rows.map(({ op, table, before, after }) => [
    op,
    table.replace('recorded.', ''),
    before,
    after,
  ]);
  const note = text('n'.repeat(3000));
  assert.deepEqual(seen, [
    ['c', 'item', null, { id: int(1), name: text('a'), price: '000200000000000200011388', note: null }],
    ['c', 'item', null, { id: int(2), name: text('b'), price: null, note }],
    ['u', 'item', null, { id: int(2), name: text('c'), price: null, note: UNCHANGED }],
    [
      'u',
      'item',
      { id: int(1), name: null, price: null, note: null },
      { id: int(3), name: text('a'), price: '000200000000000200011388', note: null },
    ],
    ['c', 'whole', null, { id: int(1), name: text('a') }],
    ['u', 'whole', { id: int(1), name: text('a') }, { id: int(1), name: null }],
    ['d', 'whole', { id: int(1), name: null }, null],
    ['m', 'message', null, { prefix: 'greeting', content: text('hello') }],
    ['m', 'message', null, { prefix: 'greeting', content: text('alone') }],
    ['d', 'item', { id: int(3), name: null, price: null, note: null }, null],
    ['t', 'item', null, null],
    ['m', 'message', null, { prefix: 'end', content: text('end of the recording') }],
  ]);
  assert.equal(batches.length, 1);
  const { transactions, offset } = batches[0];
  assert.equal(transactions.length, 8);
  assert.equal(offset!.compare(transactions[7].offset), 0);
  for (let i = 1; i < 8; i++) assert.equal(transactions[i - 1].offset.compare(transactions[i].offset), -1);
  const positions = rows.map(({ position }) => position);
  assert.deepEqual(
    positions,
    positions.toSorted((a, b) => Number(a - b)),
  );
});

test('P-1 of a streamed transaction only what was not rolled back is released, at its commit', () => {
  const { rows, batches } = decoded(STREAMED);
  assert.deepEqual(
    rows.map(({ after }) => Object.values(after!).at(-1)),
    [text('kept'), text('kept')],
  );
  assert.equal(batches[0].transactions.length, 1);
  assert.deepEqual(
    rows.map(({ after }) => after!['id']),
    [int(1), int(3)],
  );
  const beforeCommit = STREAMED.subarray(0, lastFrame(STREAMED, 'c'));
  assert.deepEqual(decoded(beforeCommit).rows, []);
});

test('the stream may be cut anywhere', () => {
  for (const bytes of [PLAIN, STREAMED]) {
    const whole = decoded(bytes).rows;
    for (const chunk of [1, 2, 3, 7, 64, 1000])
      assert.deepEqual(decoded(bytes, chunk).rows, whole, `${chunk}`);
    for (let length = 0; length < bytes.length; length++) {
      const { rows } = decoded(bytes.subarray(0, length));
      assert.deepEqual(rows, whole.slice(0, rows.length));
    }
  }
});

test('a damaged stream is an error with its position or other values, never a read outside the batch', () => {
  const damages = fc.array(
    fc.record({ at: fc.nat(), byte: fc.oneof(fc.nat(255), fc.constantFrom(0x7f, 0x80, 0xff, 0)) }),
    { minLength: 1, maxLength: 4 },
  );
  const property = fc.property(fc.constantFrom(PLAIN, STREAMED), damages, (original, damage) => {
    const bytes = Buffer.from(original);
    for (const { at, byte } of damage) bytes[at % bytes.length] = byte;
    const driver = new Driver(newDecoder());
    try {
      driver.feed(bytes);
      driver.flush();
    } catch (error) {
      assert.ok(error instanceof IcestreamError, String(error));
      assert.equal(error.code, 'postgres.protocol');
      assert.ok(Object.keys(error.context).length > 0);
    }
    for (const batch of driver.batches) assertInside(batch);
  });
  fc.assert(property, { numRuns: 4000 });
});

test('a flipped bit anywhere is survived', () => {
  for (const original of [PLAIN, STREAMED]) {
    for (let bit = 0; bit < original.length * 8; bit += 5) {
      const bytes = Buffer.from(original);
      bytes[bit >> 3] ^= 1 << (bit & 7);
      const driver = new Driver(newDecoder());
      try {
        driver.feed(bytes);
        driver.flush();
      } catch (error) {
        assert.equal((error as IcestreamError).code, 'postgres.protocol', String((error as Error).stack));
      }
      for (const batch of driver.batches) assertInside(batch);
    }
  }
});

test('a batch ends with its transaction, at the limits, and within one only where it is too large', () => {
  const small = new Driver(newDecoder({ batchRows: 2 }));
  small.feed(PLAIN);
  small.flush();
  assert.ok(small.batches.length > 2);
  for (const { offset } of small.batches) assert.notEqual(offset, null);
  const tiny = new Driver(newDecoder({ batchBytes: 100, batchBytesMax: 100 }));
  tiny.feed(PLAIN);
  tiny.flush();
  assert.ok(tiny.batches.some(({ offset }) => offset === null));
  assert.notEqual(tiny.batches.at(-1)!.offset, null);
  assert.deepEqual(tiny.rows, decoded(PLAIN).rows);
  for (const batch of tiny.batches) assertInside(batch);
});

test('our own messages stop the decoder and are no rows', () => {
  const driver = new Driver(newDecoder({ ownPrefix: 'greeting' }));
  driver.feed(PLAIN);
  driver.flush();
  assert.equal(driver.stops.filter((stop) => stop === Stop.message).length, 2);
  assert.equal(driver.rows.filter(({ op }) => op === 'm').length, 1);
});

test('P-4 rows of transactions up to the mark may exist already', () => {
  const all = decoded(PLAIN).batches[0];
  const until = all.transactions[1].offset as ReturnType<typeof offsetAt>;
  const driver = new Driver(newDecoder({}, offsetAt(1n, until.lsn)));
  driver.feed(PLAIN);
  const flags = driver.flush().rows.map((row) => row.flags);
  assert.deepEqual(flags, [MAY_EXIST, MAY_EXIST, MAY_EXIST, ...Array.from({ length: 9 }, () => 0)]);
  const { transactions } = driver.batches[0];
  assert.equal((transactions[0].offset as ReturnType<typeof offsetAt>).mayExistUntil, until.lsn);
  assert.equal((transactions[1].offset as ReturnType<typeof offsetAt>).mayExistUntil, 0n);
});

function assertInside(batch: ChangeBatch): void {
  assert.ok(batch.byteLength <= batch.bytes.length);
  for (let cell = 0; cell < batch.cellCount; cell++) {
    const length = batch.cellLength[cell];
    if (length < 0) continue;
    assert.ok(batch.cellStart[cell] >= 0 && batch.cellStart[cell] + length <= batch.byteLength);
  }
}

/** Where the last frame whose pgoutput message has this type begins. */
function lastFrame(bytes: Buffer, type: string): number {
  let found = -1;
  for (let at = 0; at < bytes.length; at += 1 + bytes.readInt32BE(at + 1)) {
    if (bytes[at + 5] === 0x77 && bytes[at + 30] === type.charCodeAt(0)) found = at;
  }
  return found;
}
