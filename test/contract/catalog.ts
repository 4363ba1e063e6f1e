import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { IcestreamError } from '../../src/base/errors.ts';
import type { Catalog, CreateTable, LoadedTable, TableIdent } from '../../src/iceberg/catalog/catalog.ts';
import type { Snapshot } from '../../src/iceberg/metadata.ts';
import type { TableRequirement, TableUpdate } from '../../src/iceberg/update.ts';

export interface CatalogBackend {
  readonly name: string;
  /** A client of the catalog; each call makes another of the same catalog. The suite closes them. */
  open(): Promise<Catalog>;
  /** A namespace that is nobody else's; it does not exist yet. */
  readonly namespace: string;
}

/** What every Catalog promises, whatever keeps it. */
export function catalogContract(backend: CatalogBackend): void {
  let catalog: Catalog;
  let other: Catalog;
  const ns = backend.namespace;
  const ident = (name: string): TableIdent => ({ namespace: [ns], name });
  const shows = (title: string, body: () => Promise<void>) => test(`${backend.name}: ${title}`, body);
  before(async () => {
    [catalog, other] = await Promise.all([backend.open(), backend.open()]);
  });
  after(async () => {
    await catalog?.close();
    await other?.close();
  });

  shows('namespaces are made once, with those above them, and listed parents first', async () => {
    await assert.rejects(catalog.create(table(ident('early'))), hasCode('iceberg.namespace-not-found'));
    await assert.rejects(catalog.list([ns]), hasCode('iceberg.namespace-not-found'));
    await catalog.ensureNamespace([ns]);
    await catalog.ensureNamespace([ns]);
    assert.deepEqual(await catalog.list([ns]), []);
    await Promise.all([catalog, other].map((client) => client.ensureNamespace([`${ns}x`, 'inner', 'most'])));
    const own = (await catalog.listNamespaces()).filter(([top]) => top === `${ns}x`);
    assert.deepEqual(own, [[`${ns}x`], [`${ns}x`, 'inner'], [`${ns}x`, 'inner', 'most']]);
    const deep = { namespace: [`${ns}x`, 'inner', 'most'], name: 't' };
    await catalog.create(table(deep));
    assert.deepEqual(await catalog.list(deep.namespace), [deep]);
    assert.deepEqual((await other.load(deep)).ident, deep);
    await catalog.drop(deep);
  });

  shows(
    'a created table is a version 2 table with what was asked for, and loads alike everywhere',
    async () => {
      const created = await catalog.create(
        table(ident('made'), { properties: { 'write.parquet.compression-codec': 'zstd' } }),
      );
      const { metadata } = created;
      assert.equal(metadata['format-version'], 2);
      assert.equal(metadata.properties?.['write.parquet.compression-codec'], 'zstd');
      assert.equal(metadata.properties?.['format-version'], undefined, 'a reserved property is not stored');
      const schema = metadata.schemas.find((it) => it['schema-id'] === metadata['current-schema-id']);
      assert.deepEqual(
        schema?.fields.map(({ name, type, required }) => ({ name, type, required })),
        [
          { name: 'id', type: 'long', required: true },
          { name: 'region', type: 'string', required: false },
        ],
      );
      assert.deepEqual(schema?.['identifier-field-ids'], [1]);
      assert.equal(metadata['current-snapshot-id'] ?? null, null);
      const loaded = await other.load(ident('made'));
      assert.deepEqual(plain(loaded.metadata), plain(metadata));
      assert.equal(loaded.metadataLocation, created.metadataLocation);
      assert.deepEqual(await catalog.list([ns]), [ident('made')]);
    },
  );

  shows("a table's storage writes and reads under its location", async () => {
    const { metadata, storage } = await catalog.load(ident('made'));
    const file = `${metadata.location}/data/probe.bin`;
    await storage.write(file, Buffer.from('probe'));
    const again = await other.load(ident('made'));
    assert.equal((await again.storage.read(file)).toString(), 'probe');
    assert.ok(((await storage.size((await catalog.load(ident('made'))).metadataLocation)) ?? 0) > 100);
    await storage.remove([file]);
  });

  shows('what is missing or taken says so', async () => {
    await assert.rejects(catalog.load(ident('missing')), hasCode('iceberg.table-not-found'));
    await assert.rejects(
      catalog.load({ namespace: [`${ns}none`], name: 'x' }),
      hasCode('iceberg.table-not-found'),
    );
    await assert.rejects(catalog.drop(ident('missing')), hasCode('iceberg.table-not-found'));
    await assert.rejects(catalog.create(table(ident('made'))), hasCode('iceberg.table-exists'));
    const commit = { ident: ident('missing'), requirements: [], updates: [set('a', 'b')] };
    await assert.rejects(catalog.commit([commit]), hasCode('iceberg.table-not-found'));
  });

  shows('L-3 a table may begin with an unpartitioned spec 0 and its real spec 1', async () => {
    const partitioned = {
      'spec-id': 1,
      fields: [field(2, 1000, 'region', 'identity'), field(1, 1001, 'b', 'bucket[4]')],
    };
    const specs = [{ 'spec-id': 0, fields: [] }, partitioned];
    const { metadata } = await catalog.create(table(ident('two_specs'), { specs, properties: { a: 'b' } }));
    assert.equal(metadata['default-spec-id'], 1);
    assert.deepEqual(plain(metadata['partition-specs']), plain(specs));
    assert.equal(metadata['last-partition-id'], 1001);
    assert.equal(metadata.properties?.['a'], 'b');
    assert.deepEqual(plain((await other.load(ident('two_specs'))).metadata), plain(metadata));
    await assert.rejects(
      catalog.create(table(ident('two_specs'), { specs })),
      hasCode('iceberg.table-exists'),
    );
  });

  shows('a commit adds a snapshot; 64-bit ids and the summary survive', async () => {
    const base = await catalog.create(table(ident('commits')));
    const first = snapshot(base, 9_007_199_254_740_993n, { 'cdc.to': '0/1A', empty: '' });
    const [after] = await catalog.commit([append(base, first)]);
    assert.equal(after.metadata['current-snapshot-id'], 9_007_199_254_740_993n);
    assert.equal(after.metadata['last-sequence-number'], 1n);
    assert.notEqual(after.metadataLocation, base.metadataLocation);
    const loaded = await other.load(ident('commits'));
    assert.deepEqual(plain(loaded.metadata), plain(after.metadata));
    const stored = loaded.metadata.snapshots?.[0];
    assert.equal(stored?.summary['cdc.to'], '0/1A');
    assert.equal(stored?.summary['operation'], 'append');
    assert.equal(stored?.['manifest-list'], first['manifest-list']);
    assert.ok(loaded.metadata['metadata-log']?.some((it) => it['metadata-file'] === base.metadataLocation));
  });

  shows('a requirement that does not hold is a conflict and changes nothing', async () => {
    const base = await catalog.load(ident('commits'));
    const stale: TableRequirement[] = [
      { type: 'assert-ref-snapshot-id', ref: 'main', 'snapshot-id': null },
      { type: 'assert-ref-snapshot-id', ref: 'main', 'snapshot-id': 77n },
      { type: 'assert-table-uuid', uuid: '00000000-0000-4000-8000-000000000000' },
      { type: 'assert-current-schema-id', 'current-schema-id': 9 },
      { type: 'assert-last-assigned-field-id', 'last-assigned-field-id': 99 },
      { type: 'assert-last-assigned-partition-id', 'last-assigned-partition-id': 5000 },
      { type: 'assert-default-spec-id', 'default-spec-id': 9 },
      { type: 'assert-create' },
    ];
    for (const requirement of stale) {
      const commit = { ident: base.ident, requirements: [requirement], updates: [set('stale', 'yes')] };
      await assert.rejects(catalog.commit([commit]), hasCode('iceberg.commit-conflict'), requirement.type);
    }
    const now = await catalog.load(ident('commits'));
    assert.equal(now.metadataLocation, base.metadataLocation);
  });

  shows('O-6 of many writers on the same parent exactly one commits', async () => {
    const base = await catalog.create(table(ident('race')));
    const writers = Array.from({ length: 8 }, (_, writer) => snapshot(base, BigInt(100 + writer)));
    const results = await Promise.allSettled(
      writers.map((it, writer) => (writer % 2 === 0 ? catalog : other).commit([append(base, it)])),
    );
    const winners = writers.filter((_, writer) => results[writer].status === 'fulfilled');
    assert.equal(winners.length, 1);
    for (const result of results) {
      if (result.status === 'rejected') hasCode('iceberg.commit-conflict')(result.reason);
    }
    const { metadata } = await catalog.load(ident('race'));
    assert.deepEqual(
      metadata.snapshots?.map((it) => it['snapshot-id']),
      [winners[0]['snapshot-id']],
    );
  });

  shows('schemas, specs and properties evolve in one commit with a snapshot', async () => {
    const base = await catalog.create(table(ident('evolves')));
    const schema = base.metadata.schemas[0];
    const added = { id: 3, name: 'note', required: false, type: 'string' as const, doc: 'ü' };
    const updates: TableUpdate[] = [
      {
        action: 'add-schema',
        schema: { ...schema, 'schema-id': 1, fields: [...schema.fields, added] },
        'last-column-id': 3,
      },
      { action: 'set-current-schema', 'schema-id': -1 },
      { action: 'add-spec', spec: { 'spec-id': 1, fields: [field(2, 1000, 'region_trunc', 'truncate[3]')] } },
      { action: 'set-default-spec', 'spec-id': -1 },
      { action: 'set-properties', updates: { kept: 'yes', dropped: 'soon' } },
      { action: 'remove-properties', removals: ['dropped'] },
    ];
    const own = append(base, { ...snapshot(base, 5n), 'schema-id': 1 });
    const [after] = await catalog.commit([{ ...own, updates: [...updates, ...own.updates] }]);
    const { metadata } = after;
    assert.equal(metadata['current-schema-id'], 1);
    assert.deepEqual(metadata.schemas.find((it) => it['schema-id'] === 1)?.fields[2], added);
    assert.equal(metadata['last-column-id'], 3);
    assert.equal(metadata['default-spec-id'], 1);
    assert.equal(metadata.properties?.['kept'], 'yes');
    assert.equal(metadata.properties?.['dropped'], undefined);
    assert.equal(metadata.snapshots?.[0]?.['schema-id'], 1);
    assert.deepEqual(plain((await other.load(ident('evolves'))).metadata), plain(metadata));
  });

  shows('O-4 several tables commit together', async () => {
    const bases = await Promise.all(['group_a', 'group_b'].map((name) => catalog.create(table(ident(name)))));
    const group = bases.map((base, at) => append(base, snapshot(base, BigInt(at + 1))));
    const committed = await catalog.commit(group);
    assert.deepEqual(
      committed.map((it) => it.ident),
      group.map((it) => it.ident),
    );
    assert.deepEqual(
      committed.map((it) => it.metadata['current-snapshot-id']),
      [1n, 2n],
    );
    for (const one of committed) {
      assert.deepEqual(plain((await other.load(one.ident)).metadata), plain(one.metadata));
    }
  });

  shows(
    'O-4 a group of which one member conflicts: none of it where atomic, else as far as reported',
    async () => {
      const [first, second] = await Promise.all(
        ['group_a', 'group_b'].map((name) => catalog.load(ident(name))),
      );
      const stale: TableRequirement = { type: 'assert-ref-snapshot-id', ref: 'main', 'snapshot-id': 1234n };
      const good = append(first, snapshot(first, 11n));
      const bad = { ...append(second, snapshot(second, 12n)), requirements: [stale] };
      const error = await catalog.commit([good, bad]).then(
        () => assert.fail('the conflict was not noticed'),
        (reason: unknown) => reason as IcestreamError,
      );
      hasCode('iceberg.commit-conflict')(error);
      const now = await Promise.all([first, second].map((it) => other.load(it.ident)));
      const heads = now.map((it) => it.metadata['current-snapshot-id']);
      assert.deepEqual(heads, catalog.atomic ? [1n, 2n] : [11n, 2n]);
      if (!catalog.atomic) assert.equal(error.context['committed'], 1);
    },
  );

  shows('a table that was dropped and made again is another one', async () => {
    const old = await catalog.create(table(ident('again')));
    await catalog.drop(ident('again'));
    await assert.rejects(other.load(ident('again')), hasCode('iceberg.table-not-found'));
    const now = await other.create(table(ident('again')));
    assert.notEqual(now.metadata['table-uuid'], old.metadata['table-uuid']);
    await assert.rejects(
      catalog.commit([append(old, snapshot(old, 3n))]),
      hasCode('iceberg.commit-conflict'),
    );
    const [after] = await catalog.commit([append(now, snapshot(now, 4n))]);
    assert.equal(after.metadata['table-uuid'], now.metadata['table-uuid']);
  });

  shows('names keep spaces, dots, signs and letters of any script', async () => {
    for (const name of ['with space', 'dot.ted', 'ünïcode', 'plus+and&']) {
      const { metadata } = await catalog.create(table(ident(name)));
      assert.equal((await other.load(ident(name))).metadata['table-uuid'], metadata['table-uuid']);
      assert.ok((await catalog.list([ns])).some((it) => it.name === name));
      await catalog.drop(ident(name));
    }
  });

  shows('every snapshot of a history is there, old ones can be removed', async () => {
    let head = await catalog.create(table(ident('history')));
    for (let i = 1n; i <= 12n; i++) [head] = await catalog.commit([append(head, snapshot(head, i))]);
    const loaded = await other.load(ident('history'));
    assert.deepEqual(
      loaded.metadata.snapshots?.map((it) => it['snapshot-id']),
      range(1n, 12n),
    );
    const expire: TableUpdate = { action: 'remove-snapshots', 'snapshot-ids': range(1n, 5n) };
    const [after] = await catalog.commit([{ ident: head.ident, requirements: [], updates: [expire] }]);
    assert.deepEqual(
      after.metadata.snapshots?.map((it) => it['snapshot-id']),
      range(6n, 12n),
    );
    assert.equal(after.metadata['current-snapshot-id'], 12n);
  });

  shows('an aborted signal stops every operation with the reason given', async () => {
    const reason = new Error('enough');
    const signal = AbortSignal.abort(reason);
    const base = await catalog.load(ident('made'));
    for (const started of [
      () => catalog.load(ident('made'), signal),
      () => catalog.create(table(ident('never')), signal),
      () => catalog.ensureNamespace([`${ns}never`], signal),
      () => catalog.list([ns], signal),
      () => catalog.listNamespaces(signal),
      () => catalog.drop(ident('made'), signal),
      () => catalog.commit([append(base, snapshot(base, 1n))], signal),
    ]) {
      await assert.rejects(started(), (error) => error === reason || (error as Error).name === 'AbortError');
    }
    assert.equal((await catalog.load(ident('made'))).metadataLocation, base.metadataLocation);
    await assert.rejects(catalog.load(ident('never')), hasCode('iceberg.table-not-found'));
  });
}

/** A table of two columns, `id` long and `region` string, unpartitioned unless told otherwise. */
export function table(ident: TableIdent, changes: Partial<CreateTable> = {}): CreateTable {
  return {
    ident,
    schema: {
      type: 'struct',
      'schema-id': 0,
      'identifier-field-ids': [1],
      fields: [
        { id: 1, name: 'id', required: true, type: 'long' },
        { id: 2, name: 'region', required: false, type: 'string' },
      ],
    },
    specs: [{ 'spec-id': 0, fields: [] }],
    properties: {},
    ...changes,
  };
}

/** The next snapshot on a table's main branch; its manifest list need not be there for a catalog. */
export function snapshot(base: LoadedTable, id: bigint, summary: Record<string, string> = {}): Snapshot {
  const { metadata } = base;
  const parent = metadata['current-snapshot-id'] ?? null;
  return {
    'snapshot-id': id,
    ...(parent === null ? {} : { 'parent-snapshot-id': parent }),
    'sequence-number': metadata['last-sequence-number'] + 1n,
    'timestamp-ms': BigInt(Date.now()),
    'manifest-list': `${metadata.location}/metadata/snap-${id}.avro`,
    summary: { operation: 'append', ...summary },
    'schema-id': metadata['current-schema-id'],
  };
}

/** The commit of a snapshot as the sink sends it. */
export function append(base: LoadedTable, added: Snapshot) {
  const requirements: TableRequirement[] = [
    { type: 'assert-table-uuid', uuid: base.metadata['table-uuid'] },
    {
      type: 'assert-ref-snapshot-id',
      ref: 'main',
      'snapshot-id': base.metadata['current-snapshot-id'] ?? null,
    },
  ];
  const updates: TableUpdate[] = [
    { action: 'add-snapshot', snapshot: added },
    { action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': added['snapshot-id'] },
  ];
  return { ident: base.ident, requirements, updates };
}

export function hasCode(code: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof IcestreamError, `no error of ours: ${error}`);
    assert.equal(error.code, code, `${error.message}: ${String(error.cause)}`);
    return true;
  };
}

const set = (name: string, value: string): TableUpdate => ({
  action: 'set-properties',
  updates: { [name]: value },
});

function field(sourceId: number, fieldId: number, name: string, transform: string) {
  return { 'source-id': sourceId, 'field-id': fieldId, name, transform };
}

function range(from: bigint, to: bigint): bigint[] {
  return Array.from({ length: Number(to - from) + 1 }, (_, at) => from + BigInt(at));
}

/** For comparison: field order and absent against empty make no difference in metadata. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([name, inner]) => [name, plain(inner)] as const);
  const present = entries.filter(([, inner]) => inner !== undefined && inner !== null && !isEmpty(inner));
  return Object.fromEntries(present.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}
