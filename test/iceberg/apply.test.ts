import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { applyUpdates, withPrevious } from '../../src/iceberg/apply.ts';
import { newTableMetadata, nextMetadataPath } from '../../src/iceberg/create.ts';
import { parseJson, printJson } from '../../src/iceberg/json.ts';
import {
  parseTableMetadata,
  printTableMetadata,
  type Snapshot,
  type TableMetadata,
} from '../../src/iceberg/metadata.ts';
import type { TableUpdate } from '../../src/iceberg/update.ts';
import { hasCode } from '../contract/catalog.ts';
import { BY_REGION, SCHEMA, UNPARTITIONED } from './lake.ts';

const IDENT = { namespace: ['shop'], name: 't' };

function base(properties: Record<string, string> = {}): TableMetadata {
  return newTableMetadata(
    { ident: IDENT, schema: SCHEMA, specs: [UNPARTITIONED], properties },
    '/lake/t/',
    1000,
  );
}

function snapshot(id: number, parent: number | null = null): Snapshot {
  return {
    'snapshot-id': BigInt(id),
    'parent-snapshot-id': parent === null ? null : BigInt(parent),
    'sequence-number': BigInt(id),
    'timestamp-ms': BigInt(1000 * id + 1000),
    'manifest-list': `/lake/t/metadata/snap-${id}.avro`,
    summary: { operation: 'append' },
  };
}

function commitOf(id: number, parent: number | null = null): TableUpdate[] {
  return [
    { action: 'add-snapshot', snapshot: snapshot(id, parent) },
    { action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': BigInt(id) },
  ];
}

function grown(count: number): TableMetadata {
  let metadata = base();
  for (let i = 1; i <= count; i++) metadata = applyUpdates(metadata, commitOf(i, i === 1 ? null : i - 1));
  return metadata;
}

test('new metadata is what the specification asks for', () => {
  const metadata = base({ a: 'b', 'format-version': '2' });
  assert.equal(metadata.location, '/lake/t');
  assert.equal(metadata['last-column-id'], 3);
  assert.equal(metadata['last-partition-id'], 999);
  assert.equal(metadata['last-updated-ms'], 1000n);
  assert.deepEqual(metadata.properties, { a: 'b' });
  assert.deepEqual(metadata['sort-orders'], [{ 'order-id': 0, fields: [] }]);
  assert.throws(() => base({ 'format-version': '3' }), hasCode('iceberg.unsupported-table'));
});

test('L-3 the last of several specs is the default; equal fields share an id', () => {
  const day = { 'source-id': 1, 'field-id': 0, name: 'b', transform: 'bucket[4]' };
  const specs = [UNPARTITIONED, BY_REGION, { 'spec-id': 9, fields: [...BY_REGION.fields, day] }];
  const metadata = newTableMetadata({ ident: IDENT, schema: SCHEMA, specs, properties: {} }, '/t');
  assert.equal(metadata['default-spec-id'], 2);
  assert.deepEqual(
    metadata['partition-specs'].map((spec) => [
      spec['spec-id'],
      ...spec.fields.map((field) => field['field-id']),
    ]),
    [[0], [1, 1000], [2, 1000, 1001]],
  );
  assert.equal(metadata['last-partition-id'], 1001);
});

test('metadata files are numbered on, whoever wrote the one before', () => {
  const metadata = base();
  assert.match(
    nextMetadataPath(metadata, null),
    /^\/lake\/t\/metadata\/00000-[0-9a-f-]{36}\.metadata\.json$/,
  );
  assert.match(nextMetadataPath(metadata, '/x/00041-a.metadata.json'), /\/00042-/);
  assert.match(nextMetadataPath(metadata, 's3://b/x/v7.gz.metadata.json'), /\/00008-/);
  const moved = base({ 'write.metadata.path': 's3://b/meta/', 'write.metadata.compression-codec': 'gzip' });
  assert.match(nextMetadataPath(moved, null), /^s3:\/\/b\/meta\/00000-.*\.gz\.metadata\.json$/);
});

test('a snapshot moves the branch, the log and the time', () => {
  const metadata = grown(2);
  assert.equal(metadata['current-snapshot-id'], 2n);
  assert.equal(metadata['last-sequence-number'], 2n);
  assert.equal(metadata['last-updated-ms'], 3000n);
  assert.deepEqual(metadata['snapshot-log'], [
    { 'timestamp-ms': 2000n, 'snapshot-id': 1n },
    { 'timestamp-ms': 3000n, 'snapshot-id': 2n },
  ]);
});

test('what makes no sense is refused', () => {
  const metadata = grown(2);
  const refused: TableUpdate[][] = [
    [{ action: 'add-snapshot', snapshot: snapshot(2, 1) }],
    [{ action: 'add-snapshot', snapshot: { ...snapshot(3, 2), 'sequence-number': 2n } }],
    [{ action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': 99n }],
    [{ action: 'set-snapshot-ref', 'ref-name': 'main', type: 'tag', 'snapshot-id': 1n }],
    [{ action: 'set-current-schema', 'schema-id': 5 }],
    [{ action: 'set-current-schema', 'schema-id': -1 }],
    [{ action: 'set-default-spec', 'spec-id': 7 }],
    [{ action: 'remove-schemas', 'schema-ids': [0] }],
    [{ action: 'remove-partition-specs', 'spec-ids': [0] }],
    [{ action: 'upgrade-format-version', 'format-version': 3 }],
    [{ action: 'upgrade-format-version', 'format-version': 1 }],
    [{ action: 'fly' } as unknown as TableUpdate],
  ];
  for (const updates of refused) {
    assert.throws(() => applyUpdates(metadata, updates), hasCode('iceberg.catalog-error'), updates[0].action);
  }
});

test('an equal schema or spec is used again, a new one gets the next id', () => {
  const wider = {
    ...SCHEMA,
    'schema-id': 17,
    fields: [...SCHEMA.fields, { id: 9, name: 'x', required: false, type: 'int' as const }],
  };
  let metadata = applyUpdates(base(), [
    { action: 'add-schema', schema: wider },
    { action: 'set-current-schema', 'schema-id': -1 },
    {
      action: 'add-spec',
      spec: { 'spec-id': 5, fields: [{ ...BY_REGION.fields[0], 'field-id': undefined as never }] },
    },
    { action: 'set-default-spec', 'spec-id': -1 },
  ]);
  assert.equal(metadata['current-schema-id'], 1);
  assert.equal(metadata['last-column-id'], 9);
  assert.equal(metadata['default-spec-id'], 1);
  assert.equal(metadata['partition-specs'][1].fields[0]['field-id'], 1000);
  assert.equal(metadata['last-partition-id'], 1000);
  metadata = applyUpdates(metadata, [
    { action: 'add-schema', schema: { ...SCHEMA, 'schema-id': 3 } },
    { action: 'set-current-schema', 'schema-id': -1 },
    { action: 'add-spec', spec: { 'spec-id': 2, fields: [] } },
    { action: 'set-default-spec', 'spec-id': -1 },
  ]);
  assert.equal(metadata['current-schema-id'], 0);
  assert.equal(metadata['default-spec-id'], 0);
  assert.equal(metadata.schemas.length, 2);
  assert.equal(metadata['last-column-id'], 9, 'an id is never given twice');
});

test('expired snapshots take their references, statistics and the log before them along', () => {
  let metadata = applyUpdates(grown(4), [
    { action: 'set-snapshot-ref', 'ref-name': 'tag', type: 'tag', 'snapshot-id': 2n },
    { action: 'set-statistics', statistics: { 'snapshot-id': 2n, 'statistics-path': '/s2' } },
    { action: 'set-statistics', statistics: { 'snapshot-id': 4n, 'statistics-path': '/s4' } },
  ]);
  metadata = applyUpdates(metadata, [{ action: 'remove-snapshots', 'snapshot-ids': [2n] }]);
  assert.deepEqual(Object.keys(metadata.refs ?? {}), ['main']);
  assert.deepEqual(
    metadata['snapshot-log']?.map((entry) => entry['snapshot-id']),
    [3n, 4n],
  );
  assert.deepEqual(
    metadata.statistics?.map((file) => file['statistics-path']),
    ['/s4'],
  );
  assert.deepEqual(
    metadata.snapshots?.map((each) => each['snapshot-id']),
    [1n, 3n, 4n],
  );
});

test('a snapshot that was current within one commit only does not enter the log', () => {
  const metadata = applyUpdates(grown(1), [...commitOf(2, 1), ...commitOf(3, 2)]);
  assert.deepEqual(
    metadata['snapshot-log']?.map((entry) => entry['snapshot-id']),
    [1n, 3n],
  );
});

test('L-11 the metadata log is cut to its limit, and what falls out is told', () => {
  let metadata = base({ 'write.metadata.previous-versions-max': '3' });
  const dropped: string[] = [];
  for (let i = 0; i < 6; i++) {
    const updated = applyUpdates(metadata, [{ action: 'set-properties', updates: { i: String(i) } }]);
    const next = withPrevious(updated, metadata, `/m${i}`);
    metadata = next.metadata;
    dropped.push(...next.dropped.map((entry) => entry['metadata-file']));
  }
  assert.deepEqual(
    metadata['metadata-log']?.map((entry) => entry['metadata-file']),
    ['/m3', '/m4', '/m5'],
  );
  assert.deepEqual(dropped, ['/m0', '/m1', '/m2']);
});

test('time moves on even if the clock was set back', () => {
  const metadata = grown(2);
  assert.equal(
    applyUpdates(metadata, [{ action: 'set-location', location: '/x/' }], 5)['last-updated-ms'],
    3000n,
  );
});

test('foreign fields survive a rewrite, numbers and all', () => {
  const foreign = {
    ...parseJson<object>(printTableMetadata(grown(1))),
    'next-thing': { id: 2n ** 62n, list: [1, 2.5] },
    'encryption-keys': [{ 'key-id': 'k' }],
  };
  const read = parseTableMetadata(Buffer.from(printJson(foreign)), '/m');
  const written = printTableMetadata(applyUpdates(read, [{ action: 'set-properties', updates: { a: 'b' } }]));
  assert.match(written, /"next-thing":\{"id":4611686018427387904,"list":\[1,2\.5\]\}/);
  assert.match(written, /"encryption-keys":\[\{"key-id":"k"\}\]/);
});

test('version 1 is read in the shape of version 2 and upgraded on request only', () => {
  const v1 = {
    'format-version': 1,
    'table-uuid': 'u',
    location: '/t',
    'last-updated-ms': 5,
    'last-column-id': 3,
    schema: { type: 'struct', fields: SCHEMA.fields },
    'partition-spec': [{ 'source-id': 3, name: 'region', transform: 'identity' }],
    'current-snapshot-id': -1,
    snapshots: [],
  };
  const metadata = parseTableMetadata(gzipSync(JSON.stringify(v1)), '/m');
  assert.equal(metadata['format-version'], 1);
  assert.equal(metadata['last-sequence-number'], 0n);
  assert.equal(metadata['current-snapshot-id'], null);
  assert.equal(metadata.schemas[0]['schema-id'], 0);
  assert.equal(metadata['partition-specs'][0].fields[0]['field-id'], 1000);
  assert.equal(metadata['last-partition-id'], 1000);
  const upgraded = applyUpdates(metadata, [{ action: 'upgrade-format-version', 'format-version': 2 }]);
  assert.equal(upgraded['format-version'], 2);
  assert.equal('schema' in upgraded, false);
});

test('what is no metadata is an error with its path', () => {
  for (const text of ['', '{', '{}', '[1]', '{"format-version":2}']) {
    assert.throws(() => parseTableMetadata(Buffer.from(text), '/m'), hasCode('iceberg.format'), text);
  }
});
