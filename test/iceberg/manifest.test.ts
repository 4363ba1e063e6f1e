import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AvroFileWriter, readAvroFile } from '../../src/iceberg/avro.ts';
import type { LoadedTable } from '../../src/iceberg/catalog/catalog.ts';
import type { PartitionValue } from '../../src/iceberg/file.ts';
import { ManifestWriter, readManifest } from '../../src/iceberg/manifest.ts';
import { type ManifestFile, printManifestList, readManifestList } from '../../src/iceberg/manifest-list.ts';
import { planMerges } from '../../src/iceberg/manifest-merge.ts';
import { avroName, decimalBytes, manifestEntrySchema } from '../../src/iceberg/manifest-schema.ts';
import { partitionKey } from '../../src/iceberg/partition.ts';
import type { PrimitiveType } from '../../src/iceberg/schema.ts';
import { decodeValue } from '../../src/iceberg/values.ts';
import { hasCode } from '../contract/catalog.ts';
import { fileEntry } from './lake.ts';

const TYPES: [PrimitiveType, PartitionValue, PartitionValue][] = [
  ['boolean', true, false],
  ['int', -5, 2 ** 31 - 1],
  ['long', -(2n ** 63n), 2n ** 63n - 1n],
  ['float', 1.5, -0.25],
  ['double', Number.NaN, 1e300],
  ['date', -7272, 0],
  ['time', 0n, 86_399_999_999n],
  ['timestamp', -1n, 1n],
  ['timestamptz', 10n ** 15n, 0n],
  ['string', 'ü 😀', ''],
  ['uuid', Buffer.from('f79c3e09677c4bbda4793f349cb785e7', 'hex'), Buffer.alloc(16)],
  ['binary', Buffer.from([0, 255]), Buffer.alloc(0)],
  ['fixed[3]', Buffer.from([1, 2, 3]), Buffer.from([0, 0, 0])],
  ['decimal(5, 2)', -99999n, 99999n],
  ['decimal(38, 10)', 10n ** 38n - 1n, -(10n ** 38n) + 1n],
];
const FIELDS = TYPES.map(([type], i) => ({ id: i + 1, name: `column ${i}`, required: false, type }));
const SPEC = {
  'spec-id': 3,
  fields: TYPES.map((_, i) => ({
    'source-id': i + 1,
    'field-id': 1000 + i,
    name: `column ${i}`,
    transform: 'identity',
  })),
};
const METADATA = {
  location: '/t',
  schemas: [{ type: 'struct', 'schema-id': 0, fields: FIELDS }],
  'current-schema-id': 0,
  'partition-specs': [SPEC],
} as unknown as LoadedTable['metadata'];

test('a manifest gives back what was written, for every partition type and with inherited numbers', () => {
  const low = TYPES.map(([, value]) => value);
  const high = TYPES.map(([, , value]) => value);
  const nulls = TYPES.map(() => null);
  const files = [low, high, nulls].map((partition) => fileEntry('data', { specId: 3, partition }));
  const writer = new ManifestWriter(METADATA, SPEC, 'data', 77n);
  writer.add(files[0]);
  writer.keep({ file: files[1], spec: SPEC, dataSequenceNumber: 4n, fileSequenceNumber: 6n, snapshotId: 3n });
  writer.delete({
    file: files[2],
    spec: SPEC,
    dataSequenceNumber: 2n,
    fileSequenceNumber: 2n,
    snapshotId: 1n,
  });
  const { bytes, manifest } = writer.finish('/t/metadata/m.avro');
  assert.equal(manifest.minSequenceNumber, 4n);
  const numbered = { ...manifest, sequenceNumber: 9n };
  const [listed] = readManifestList(
    printManifestList({ 'snapshot-id': 77n, 'sequence-number': 9n }, [numbered]),
    'list',
  );
  assert.deepEqual(plain(listed), plain(numbered));
  const entries = [...readManifest(bytes, listed, METADATA)];
  assert.deepEqual(
    entries.map(({ status, snapshotId, dataSequenceNumber, fileSequenceNumber }) => [
      status,
      snapshotId,
      dataSequenceNumber,
      fileSequenceNumber,
    ]),
    [
      ['added', 77n, 9n, 9n],
      ['existing', 3n, 4n, 6n],
      ['deleted', 77n, 2n, 2n],
    ],
  );
  entries.forEach((entry, i) => {
    const written = { format: 'PARQUET', referencedDataFile: null, keyMetadata: null, ...files[i] };
    assert.deepEqual(plain(entry.file), plain(written));
  });
});

test('the list summarises the partition values of a manifest', () => {
  const writer = new ManifestWriter(METADATA, SPEC, 'data', 1n);
  for (const column of [1, 2]) {
    writer.add(
      fileEntry('data', { specId: 3, partition: TYPES.map((type) => type[column] as PartitionValue) }),
    );
  }
  writer.add(fileEntry('data', { specId: 3, partition: TYPES.map(() => null) }));
  const summaries = writer.finish('m').manifest.partitions!;
  const range = (i: number) => {
    const { lowerBound, upperBound } = summaries[i];
    return [decodeValue(TYPES[i][0], lowerBound!), decodeValue(TYPES[i][0], upperBound!)];
  };
  assert.ok(summaries.every((summary) => summary.containsNull));
  assert.deepEqual(range(1), [-5, 2 ** 31 - 1]);
  assert.deepEqual(range(9), ['', 'ü 😀']);
  assert.deepEqual(range(13), [-99999n, 99999n]);
  assert.deepEqual([summaries[4].containsNan, ...range(4)], [true, 1e300, 1e300], 'NaN is no bound');
});

test('the file carries what the specification demands', () => {
  const writer = new ManifestWriter(METADATA, SPEC, 'deletes', 1n);
  writer.add(fileEntry('equality-deletes', { specId: 3, partition: TYPES.map(() => null) }));
  const { metadata } = readAvroFile(writer.finish('m').bytes, 'm');
  assert.equal(metadata['content'], 'deletes');
  assert.equal(metadata['format-version'], '2');
  assert.equal(metadata['partition-spec-id'], '3');
  assert.equal(metadata['schema-id'], '0');
  assert.deepEqual(JSON.parse(metadata['partition-spec']), SPEC.fields);
  assert.deepEqual(JSON.parse(metadata['schema']), METADATA.schemas[0]);
  const schema = JSON.parse(metadata['avro.schema']);
  const ids = [...metadata['avro.schema'].matchAll(/"field-id":(\d+)/g)].map((match) => Number(match[1]));
  assert.equal(new Set(ids).size, ids.length);
  assert.equal(schema.fields[4].type.fields[3].type.fields[0].name, 'column_x200');
});

test('names are made fit for Avro as the reference implementation does', () => {
  assert.deepEqual(['order-date', '1st', 'ü', 'a.b', '_ok9'].map(avroName), [
    'order_x2Ddate',
    '_1st',
    '_xFC',
    'a_x2Eb',
    '_ok9',
  ]);
});

test('decimals take as few bytes as hold every value', () => {
  assert.deepEqual([1, 2, 3, 4, 9, 18, 19, 38].map(decimalBytes), [1, 1, 2, 2, 4, 8, 9, 16]);
});

test('fields are found by id, whatever a foreign writer calls them', () => {
  const schema = {
    type: 'record',
    name: 'x.y',
    fields: [
      { name: 'b', type: 'long', 'field-id': 7 },
      { name: 'nested', type: { type: 'fixed', name: 'same', size: 2 }, 'field-id': 8 },
      { name: 'again', type: ['null', 'same'], 'field-id': 9 },
    ],
  } as const;
  const writer = new AvroFileWriter(schema, {});
  writer.append({ _7: 2n ** 60n, _8: Buffer.from([1, 2]), _9: null });
  const [record] = readAvroFile(writer.finish(), 'f').records();
  assert.deepEqual({ ...record }, { _7: 2n ** 60n, _8: Buffer.from([1, 2]), _9: null });
});

test('a damaged file is an error with its path, never a guess', () => {
  const writer = new AvroFileWriter(manifestEntrySchema([]), {});
  const whole = writer.finish();
  assert.throws(() => readAvroFile(Buffer.from('PAR1....'), 'f'), hasCode('iceberg.format'));
  assert.throws(() => readAvroFile(whole.subarray(0, 40), 'f'), hasCode('iceberg.format'));
  const list = printManifestList({ 'snapshot-id': 1n, 'sequence-number': 1n }, [manifestOf(1, 100)]);
  assert.throws(() => readManifestList(list.subarray(0, list.length - 9), 'f'), hasCode('iceberg.format'));
  const flipped = Buffer.from(list);
  flipped[list.length - 1] ^= 1;
  assert.throws(() => readManifestList(flipped, 'f'), hasCode('iceberg.format'));
});

test('partition tuples have the same key only when they are equal', () => {
  const tuples: PartitionValue[][] = [
    ['a', 'b'],
    ['a\u0000sb', ''],
    [null, 'a'],
    ['', 'a'],
    [1, 'a'],
    ['1', 'a'],
    [0],
    [-0],
  ];
  assert.equal(new Set(tuples.map((tuple) => partitionKey(1, tuple))).size, tuples.length);
  assert.equal(partitionKey(1, [Buffer.from([1])]), partitionKey(1, [new Uint8Array([1])]));
});

test('L-11 manifests of like size are merged, one group a commit, the large ones left alone', () => {
  const options = { enabled: true, minCount: 4, targetBytes: 1000 };
  const small = Array.from({ length: 5 }, (_, i) => manifestOf(1, 10, i));
  const middle = Array.from({ length: 4 }, (_, i) => manifestOf(4, 40, i));
  const large = Array.from({ length: 9 }, (_, i) => manifestOf(1, 600, i));
  assert.deepEqual(planMerges([...small, ...middle, ...large], options), [small]);
  assert.deepEqual(planMerges([...small.slice(0, 3), ...middle, ...large], options), [middle]);
  assert.deepEqual(planMerges([...small.slice(0, 3), ...large], options), []);
  assert.deepEqual(planMerges(small, { ...options, enabled: false }), []);
  // The oldest that fit into the target go together.
  const heavy = Array.from({ length: 5 }, (_, i) => manifestOf(1, 400, i));
  assert.deepEqual(planMerges(heavy, options), [heavy.slice(3)]);
  const deletes = small.map((manifest) => ({ ...manifest, content: 'deletes' as const }));
  assert.equal(planMerges([...small, ...deletes], options).length, 2, 'data and deletes apart');
});

function manifestOf(files: number, length: number, nth = 0): ManifestFile {
  return {
    path: `/m-${files}-${length}-${nth}.avro`,
    length: BigInt(length),
    specId: 0,
    content: 'data',
    sequenceNumber: 1n,
    minSequenceNumber: 1n,
    addedSnapshotId: 1n,
    addedFiles: files,
    existingFiles: 0,
    deletedFiles: 0,
    addedRows: 1n,
    existingRows: 0n,
    deletedRows: 0n,
    partitions: [],
    keyMetadata: null,
  };
}

/** Bytes as text: a Buffer and a Uint8Array of the same bytes are the same here. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString('hex')}`;
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [key, plain(item)]));
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}
