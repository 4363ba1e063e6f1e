import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants } from 'node:zlib';
import fc from 'fast-check';
import { jsonConverter } from '../../../src/convert/json/index.ts';
import type { ConnectSchema, ConnectValue } from '../../../src/record/connect-schema.ts';
import { anyTyped } from '../any-value.ts';

/**
 * `node record.ts [SEED] [COUNT]`: what the Java converters make of random values, into test/fixtures/convert. Needs `mvn` and
 * `java`, of a release from 19 on, whose texts of numbers are the shortest ones.
 */
const seed = Number(process.argv[2] ?? 1);
const count = Number(process.argv[3] ?? 1500);
const here = fileURLToPath(new URL('.', import.meta.url));
let structs = 0;
const work = mkdtempSync(join(tmpdir(), 'icestream-convert-'));
try {
  const texts = fc.sample(anyTyped, { seed, numRuns: count }).flatMap(({ schema, value }) => {
    const fields = [{ name: 'f', schema }];
    const row = named({ type: 'struct', optional: false, name: 'a.Row', fields });
    const text = String(jsonConverter.create({}, false).convert('t', row, [value]));
    return isComparable(text, value) ? [text] : [];
  });
  writeFileSync(join(work, 'in.txt'), texts.join('\n'));
  const jars = join(work, 'jars');
  const maven = [
    '-q',
    '-f',
    join(here, 'pom.xml'),
    'dependency:copy-dependencies',
    `-DoutputDirectory=${jars}`,
  ];
  execFileSync('mvn', maven, { stdio: 'inherit' });
  const java = ['-cp', `${jars}/*`, join(here, 'Convert.java'), join(work, 'in.txt')];
  const out = execFileSync('java', java, { maxBuffer: 1 << 28 });
  const fixture = new URL('../../fixtures/convert/java.jsonl.br', import.meta.url);
  const lines = out.toString('utf8').trim().split('\n').map(decoded);
  writeFileSync(
    fixture,
    brotliCompressSync(lines.join('\n'), { params: { [constants.BROTLI_PARAM_LGWIN]: 24 } }),
  );
} finally {
  rmSync(work, { recursive: true });
}

/** Structs by names that differ, as Avro wants them, with fields that Avro can name. */
function named(schema: ConnectSchema): ConnectSchema {
  return {
    ...schema,
    name: schema.name === 'a.Row' ? `p.n${structs % 3}.Row${structs++}` : schema.name,
    fields: schema.fields?.map((field, i) => ({ name: `f${i}`, schema: named(field.schema) })),
    values: schema.values && named(schema.values),
  };
}

/** Kafka's own reader of JSON loses minus zero, takes no NaN, and puts maps into the order of a hash table. */
function isComparable(text: string, value: ConnectValue): boolean {
  return !/"(NaN|-?Infinity)"|-0\.0[,}\]]/.test(text) && !hasEntries(value);
}

function hasEntries(value: ConnectValue): boolean {
  if (value instanceof Map) return value.size > 1;
  return Array.isArray(value) && value.some(hasEntries);
}

/** Base64 as text, all but Avro's bytes. */
function decoded(line: string): string {
  const columns = line.split('\t');
  const avro = columns.pop()!;
  return JSON.stringify([...columns.map((text) => Buffer.from(text, 'base64').toString('utf8')), avro]);
}
