import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Comparison, compare, describe } from './compare.ts';
import { type JsonNode, parseJson } from './json-text.ts';
import { maskRecords } from './masked-record.ts';
import { recorded } from './recorded.ts';
import type { KafkaRecord, Recording } from './recording.ts';

const HOUR_MS = 3_600_000;
const base = recorded('base');
const plain = recorded('schemasoff');

test('avro: a recording equals itself', () => {
  const result = compare(recorded('avro'), recorded('avro'));
  assert.equal(result.equal, 80);
  assert.deepEqual(result.differences, []);
});

test('a CloudEvent whose id names another event is found', () => {
  const one = recorded('cloud-events');
  const index = one.records.findIndex((it) => it.valueRaw?.includes('"iodebeziumop":"u"'));
  const value = one.records[index]!.valueRaw!;
  for (const [part, other] of [
    [/(?<="id":"name:[^"]*;lsn:)\d+/, '12345678'],
    [/(?<="id":"name:[^"]*;txId:)\d+/, '1'],
    [/(?<="id":"name:)\w+/, 'another'],
  ] as const) {
    assert.match(value, part);
    const result = compare(one, replaced(one, index, { valueRaw: value.replace(part, other) }));
    assert.ok(result.differences.length > 0, String(part));
  }
});

/** Each has ids and times in places or forms of its own. */
const FORMS = [
  ...['base', 'schemasoff', 'time-isostring', 'unwrap-rewrite', 'unwrap-tombstone'],
  ...['flatten', 'json-headers', 'placeholder', 'cloud-events'],
];
for (const variant of FORMS) {
  test(`${variant}: a recording equals itself with ids and times moved and another prefix`, () => {
    const one = recorded(variant);
    const other = moved(one);
    assert.notEqual(JSON.stringify(other.records), JSON.stringify(one.records));
    const result = compare(one, other);
    assert.equal(result.differences.length, 0, describe(result));
    assert.equal(result.equal, result.compared);
    assert.equal(result.compared, result.left);
    assert.ok(result.compared >= 50);
  });
}

test('every change of one place of a record is found', () => {
  const places = plain.records.flatMap((record, index) => mutations(record).map((it) => ({ ...it, index })));
  assert.ok(places.length > 5_000);
  fc.assert(
    fc.property(fc.constantFrom(...places), ({ index, part, name, text }) => {
      const one = { ...plain, records: [plain.records[index]!] };
      const result = compare(one, replaced(one, 0, { [part]: text }));
      assert.ok(result.differences.length > 0, `${name} of record ${index} was not found`);
      assert.equal(result.equal, 0);
    }),
    { numRuns: 2_000 },
  );
});

test('every change of one place of a schema is found', () => {
  const record = base.records.find((it) => it.topic.endsWith('all_types'))!;
  const one = { ...base, records: [record] };
  const places = mutations(record).filter((it) => /schema|field|type|optional/.test(it.name));
  assert.ok(places.length > 500);
  fc.assert(
    fc.property(fc.constantFrom(...places), ({ part, name, text }) => {
      assert.ok(compare(one, replaced(one, 0, { [part]: text })).differences.length > 0, name);
    }),
    { numRuns: 100 },
  );
});

test('a change of one place is found among all the others', () => {
  for (const index of plain.records.keys()) {
    const change = mutations(plain.records[index]!).at(-1);
    if (change === undefined) continue; // Neither key nor value is JSON.
    const result = compare(plain, replaced(plain, index, { [change.part]: change.text }));
    assert.ok(result.differences.length > 0, `${change.name} of record ${index} was not found`);
    assert.ok(result.equal < result.left);
  }
});

test('a header that is missing, changed, moved or too many is found', () => {
  const index = plain.records.findIndex((it) => it.headers.some(([name]) => name === '__debezium.newkey'));
  const { headers } = plain.records[index]!;
  const changed = [
    headers.slice(1),
    headers.toReversed(),
    [...headers, ['more', 'x'] as const],
    [...headers, headers[0]!],
    headers.map(([name, value]) => [name, `${value}.`] as const),
    headers.map(([name]) => [name, null] as const),
  ];
  for (const it of changed) finds(compare(plain, replaced(plain, index, { headers: it })), 1);
});

test('a tombstone that became a record, or the other way round, is found', () => {
  const tombstone = plain.records.findIndex((it) => it.valueRaw === null);
  const [before] = finds(compare(plain, replaced(plain, tombstone, { valueRaw: 'null' })), 1);
  assert.match(before!.example, /no bytes/);
  finds(compare(plain, replaced(plain, tombstone + 1, { valueRaw: null })), 1);
});

test('records that are missing, too many, or in another place are found', () => {
  const { records } = plain;
  const missing = finds(compare(plain, { ...plain, records: records.toSpliced(7, 1) }), 1);
  assert.equal(missing[0]!.kind, 'record only left');
  const twice = finds(compare(plain, { ...plain, records: records.toSpliced(7, 0, records[7]!) }), 1);
  assert.equal(twice[0]!.kind, 'record only right');
  const at = records.findIndex(
    (it, index) => it.topic === records[index + 1]?.topic && it.keyRaw !== records[index + 1]?.keyRaw,
  );
  const swapped = records.toSpliced(at, 2, records[at + 1]!, records[at]!);
  finds(compare(plain, { ...plain, records: swapped }), 1);
  const elsewhere = records.with(5, { ...records[5]!, partition: 1 });
  finds(compare(plain, { ...plain, records: elsewhere }), 2);
});

test("a transaction id that is another event's is found", () => {
  const [, second] = streamed();
  const other = base.records[streamed()[0]!]!;
  const wrong = withSource(second!, 'txId', sourceValue(other, 'txId'));
  const found = finds(compare(base, wrong), 1);
  assert.ok(found.some((it) => it.kind === 'does not correspond' && it.path.endsWith('txId')));
});

test('a sequence that does not name the last commit is found', () => {
  const index = streamed().at(-1)!;
  const sequence = JSON.parse(
    sourceValue(base.records[index]!, 'sequence').replace(/\\"/g, '"').slice(1, -1),
  );
  const wrong = JSON.stringify(JSON.stringify([sequence[1], sequence[1]]));
  const found = finds(compare(base, withSource(index, 'sequence', wrong)), 1);
  assert.ok(found.some((it) => it.kind === 'does not correspond'));
});

test('an LSN that falls where it should grow is found', () => {
  const inserts = streamed();
  const [first, last] = [inserts[0]!, inserts.at(-1)!];
  const lsn = (index: number) => sourceValue(base.records[index]!, 'lsn');
  const swap = (text: string) =>
    text.replaceAll(new RegExp(`\\b(${lsn(first)}|${lsn(last)})\\b`, 'g'), (it) =>
      it === lsn(first) ? lsn(last) : lsn(first),
    );
  const records = base.records.map((it) => ({
    ...it,
    keyRaw: it.keyRaw && swap(it.keyRaw),
    valueRaw: it.valueRaw && swap(it.valueRaw),
  }));
  const found = compare(base, { ...base, records }).differences;
  assert.ok(found.some((it) => it.path === 'lsn'));
  assert.ok(found.every((it) => it.kind === 'in another order'));
});

test('a row with another commit time than its transaction is found', () => {
  const index = streamed().at(-1)!;
  const other = sourceValue(base.records[streamed()[0]!]!, 'ts_us');
  const found = finds(compare(base, withSource(index, 'ts_us', other)), 1);
  assert.ok(found.some((it) => it.path.endsWith('ts_us')));
});

test('a time that is an hour off is found', () => {
  const index = streamed()[0]!;
  const wrong = String(BigInt(sourceValue(base.records[index]!, 'ts_ms')) + BigInt(HOUR_MS));
  finds(compare(base, withSource(index, 'ts_ms', wrong)), 1);
});

test('times of a coarser clock are found', () => {
  const records = base.records.map((it) => ({
    ...it,
    valueRaw: it.valueRaw?.replace(/("ts_ns":\d{13})\d{6}\}\}$/, '$1000000}}'),
  }));
  assert.deepEqual(
    compare(base, { ...base, records }).differences.map((it) => [it.path, it.kind]),
    [['value.payload.ts_ns', 'another precision']],
  );
});

test('texts of a coarser clock are found', () => {
  const records = base.records.map((it) => ({
    ...it,
    valueRaw: it.valueRaw?.replaceAll(/(T\d\d:\d\d:\d\d\.\d{3})\d{6}Z/g, '$1Z'),
  }));
  const found = compare(base, { ...base, records }).differences;
  assert.ok(found.every((it) => it.kind === 'another precision'));
  assert.ok(found.some((it) => it.path === 'value.payload.after.data'));
});

test('of heartbeats the forms are compared, not how many there are', () => {
  const isHeartbeat = (it: KafkaRecord) => it.topic.startsWith('__debezium-heartbeat.');
  const beat = base.records.find(isHeartbeat)!;
  const others = base.records.filter((it) => !isHeartbeat(it));
  assert.deepEqual(compare(base, { ...base, records: [...others, beat] }).differences, []);
  assert.equal(compare(base, { ...base, records: others }).differences.length, 1);
  const wrong = { ...beat, valueRaw: beat.valueRaw!.replace('ts_ms', 'ts_us') };
  assert.equal(compare(base, { ...base, records: [...others, wrong] }).differences.length, 2);
});

function finds(result: Comparison, least: number) {
  assert.ok(result.differences.length >= least, describe(result));
  assert.ok(result.equal < Math.max(result.left, result.right), describe(result));
  return result.differences;
}

function replaced(recording: Recording, index: number, change: Partial<KafkaRecord>): Recording {
  return {
    ...recording,
    records: recording.records.with(index, { ...recording.records[index]!, ...change }),
  };
}

/** The indexes of streamed inserts of base, in the order of their LSNs. */
function streamed(): number[] {
  const isInsert = (it: KafkaRecord) =>
    it.valueRaw?.includes('"snapshot":"false"') && it.valueRaw.includes('"op":"c"');
  return base.records
    .flatMap((it, index) => (isInsert(it) ? [index] : []))
    .sort(
      (a, b) => Number(sourceValue(base.records[a]!, 'lsn')) - Number(sourceValue(base.records[b]!, 'lsn')),
    );
}

const SOURCE = (field: string) =>
  new RegExp(`("source":\\{"version".*?"${field}":)("(?:[^"\\\\]|\\\\.)*"|[^,}]+)`);

function sourceValue(record: KafkaRecord, field: string): string {
  return SOURCE(field).exec(record.valueRaw!)![2]!;
}

function withSource(index: number, field: string, value: string): Recording {
  const text = base.records[index]!.valueRaw!;
  return replaced(base, index, {
    valueRaw: text.replace(SOURCE(field), (_, before: string) => before + value),
  });
}

/** Everything that may differ differs: prefix, LSNs, transaction ids, run ids, windows, clock times. */
function moved(recording: Recording): Recording {
  const { about } = recording;
  const ids = new Map<string, string>();
  for (const { references } of maskRecords(recording)) {
    for (const reference of references) {
      if (/lsn/.test(reference.class)) ids.set(reference.value, String(BigInt(reference.value) * 3n));
      if (reference.class === 'transaction') ids.set(reference.value, String(BigInt(reference.value) + 70n));
    }
  }
  const change = (text: string) =>
    text
      .replaceAll(/\b\d{10,19}\b/g, (token) => (ids.has(token) ? token : laterClock(token, about.started)))
      .replaceAll(/\b\d+\b/g, (token) => ids.get(token) ?? token)
      .replaceAll(/\b[0-9a-f]{8}(?=-[0-9a-f]{4}-)/g, (it) =>
        it === '0c5e7f2e' || it === '00000000' ? it : 'abcdef01',
      )
      .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/g, (time) => laterIso(time, about.started))
      .replaceAll(new RegExp(`\\b${about.prefix}\\b`, 'g'), 'other_1');
  const optional = (text: string | null | undefined) =>
    text === undefined || text === null ? text : change(text);
  const schemas =
    about.schemas && (JSON.parse(change(JSON.stringify(about.schemas))) as typeof about.schemas);
  return {
    about: {
      ...about,
      schemas,
      prefix: 'other_1',
      started: about.started + HOUR_MS,
      ended: about.ended + HOUR_MS,
    },
    records: recording.records.map((record) => ({
      ...record,
      topic: change(record.topic),
      timestamp: record.timestamp + HOUR_MS,
      headers: record.headers.map(([name, value]) => [name, optional(value) ?? null] as const),
      keyRaw: optional(record.keyRaw),
      valueRaw: optional(record.valueRaw),
    })),
  };
}

function laterClock(token: string, started: number): string {
  for (const [perMs, digits] of [
    [1n, 13],
    [1_000n, 16],
    [1_000_000n, 19],
  ] as const) {
    const value = BigInt(token);
    const near = value / perMs - BigInt(started);
    if (token.length === digits && near > -60_000n && near < 60_000n)
      return String(value + BigInt(HOUR_MS) * perMs);
  }
  return token;
}

function laterIso(time: string, started: number): string {
  const at = Date.parse(`${time}Z`);
  if (Math.abs(at - started) > 60_000) return time;
  return new Date(at + HOUR_MS).toISOString().slice(0, 19);
}

interface Mutation {
  readonly part: 'keyRaw' | 'valueRaw';
  readonly name: string;
  readonly text: string;
}

/** Every change of one place of a record's key or value. */
function mutations(record: KafkaRecord): Mutation[] {
  return (['keyRaw', 'valueRaw'] as const).flatMap((part) => {
    const text = record[part];
    const root = text === null || text === undefined ? null : parseJson(text);
    if (root === null) return [];
    return [...changes(text!, root)].map(([name, changed]) => ({
      part,
      name: `${part} ${name}`,
      text: changed,
    }));
  });
}

function* changes(text: string, node: JsonNode, isMasked = false): Generator<[string, string]> {
  const put = (start: number, end: number, by: string): string => text.slice(0, start) + by + text.slice(end);
  const token = text.slice(node.start, node.end);
  yield ['a blank', put(node.start, node.start, ' ')];
  yield ['another type', put(node.start, node.end, token === 'null' ? '0' : 'null')];
  if (node.kind === 'number') {
    // A masked number of the same form is allowed to be another.
    if (!isMasked && token.length < 8) yield ['a larger number', put(node.end, node.end, '1')];
    yield ['another notation', put(node.end, node.end, token.includes('.') ? '0' : '.0')];
    yield ['a text', put(node.start, node.end, `"${token}"`)];
  }
  if (node.kind === 'string') yield ['a longer text', put(node.end - 1, node.end, '~"')];
  if (node.kind === 'array' && node.items.length > 0) {
    yield [
      'a second first item',
      put(
        node.items[0]!.start,
        node.items[0]!.start,
        `${text.slice(node.items[0]!.start, node.items[0]!.end)},`,
      ),
    ];
    for (const item of node.items) yield* changes(text, item);
  }
  if (node.kind !== 'object') return;
  for (const [index, field] of node.fields.entries()) {
    const name = `"${field.name}":${text.slice(field.value.start, field.value.end)}`;
    const start = text.lastIndexOf(`"${field.name}"`, field.value.start);
    yield [`${field.name} twice`, put(start, start, `${name},`)];
    yield [`${field.name} by another name`, put(start, field.value.start, `"${field.name}_":`)];
    const next = node.fields[index + 1];
    if (next !== undefined) {
      yield [`without ${field.name}`, put(start, text.lastIndexOf(`"${next.name}"`, next.value.start), '')];
      const follower = `"${next.name}":${text.slice(next.value.start, next.value.end)}`;
      yield [`${field.name} and ${next.name} swapped`, put(start, next.value.end, `${follower},${name}`)];
    }
    const isId = /^(txId|xmin|lsn)$/.test(field.name);
    for (const [what, changed] of changes(text, field.value, isId)) yield [`${field.name}: ${what}`, changed];
  }
}
