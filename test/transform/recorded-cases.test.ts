import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { IcestreamError } from '../../src/base/errors.ts';
import { loadConverter } from '../../src/convert/registry.ts';
import type { ConnectRecord } from '../../src/record/connect-record.ts';
import type { ConnectSchema, ConnectValue } from '../../src/record/connect-schema.ts';
import { createChain } from '../../src/transform/chain.ts';
import { CASES, type Case, type CaseRecord } from './cases.ts';
import { knownDifference } from './known-differences.ts';
import { readText } from './read-text.ts';
import { type Answer, recordedAnswers } from './recorded-cases.ts';

const answers = new Map(recordedAnswers().map((answer) => [answer.name, answer]));
const classes = Map.groupBy(CASES, ({ name }) => name.split(' ')[0]);
const json = (await loadConverter('org.apache.kafka.connect.json.JsonConverter'))!.create(
  { 'replace.null.with.default': 'false' },
  false,
);

test('most cases have an outcome that is not a failure', () => {
  assert.ok(recordedAnswers().filter(({ error }) => error === undefined).length > 900);
});

test('every case is recorded, and nothing else', () => {
  assert.deepEqual([...answers.keys()], [...new Set(CASES.map(({ name }) => name))]);
});

for (const [name, cases] of classes) {
  test(`${name}: as the real one, byte for byte`, async () => {
    for (const each of cases) {
      const expected = answers.get(each.name)!;
      const ours = await outcome(each);
      const isEqual = isDeepStrictEqual(comparable(ours), comparable(expected));
      // A difference that is gone has to leave the list.
      if (knownDifference(each.name) !== null) assert.ok(!isEqual, `${each.name}: no difference any more`);
      else
        assert.deepEqual(
          comparable(ours),
          comparable(expected),
          `${each.name}: ${expected.error ?? ours.error ?? ''}`,
        );
    }
  });
}

async function outcome({ name, steps, record }: Case): Promise<Answer> {
  try {
    const aliases = steps.map((_, i) => `t${i}`);
    const config: Record<string, string> = { transforms: aliases.join(',') };
    steps.forEach((step, i) => {
      config[`transforms.t${i}.type`] = step.type;
      for (const [key, value] of Object.entries(step.config)) config[`transforms.t${i}.${key}`] = value;
    });
    const made = await createChain(config).apply(recordOf(record));
    return { name, record: made === null ? null : await described(made) };
  } catch (error) {
    if (!(error instanceof IcestreamError) || !/^(transform|config|convert)\./.test(error.code)) throw error;
    return { name, error: error.message };
  }
}

function recordOf({ topic, partition, key, value, timestamp, headers }: CaseRecord): ConnectRecord {
  const [keyRead, valueRead] = [readText(key), readText(value)];
  return {
    topic,
    partition,
    keySchema: keyRead.schema,
    key: keyRead.value,
    valueSchema: valueRead.schema,
    value: valueRead.value,
    timestampMs: timestamp,
    headers: headers.map(([name, text]) => ({ name, ...readText(text) })),
  };
}

async function described(record: ConnectRecord): Promise<CaseRecord> {
  const text = async (schema: ConnectSchema | null, value: ConnectValue) => {
    const bytes = await json.convert('t', schema, value);
    return bytes === null ? null : Buffer.from(bytes).toString('utf8');
  };
  return {
    topic: record.topic,
    partition: record.partition,
    key: await text(record.keySchema, record.key),
    value: await text(record.valueSchema, record.value),
    timestamp: record.timestampMs,
    headers: await Promise.all(
      record.headers.map(async ({ name, schema, value }) => [name, await text(schema, value)] as const),
    ),
  };
}

/** Of failures only that there is one: real messages quote values. Maps have no order in Java. */
function comparable({ record, error }: Answer): unknown {
  if (error !== undefined) return 'failed';
  if (record === null || record === undefined) return null;
  return {
    ...record,
    key: unordered(record.key),
    value: unordered(record.value),
    headers: record.headers.map(([name, text]) => [name, unordered(text)]),
  };
}

function unordered(text: string | null): unknown {
  return text?.startsWith('{"schema":null') ? JSON.parse(text) : text;
}
