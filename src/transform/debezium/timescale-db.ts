import type { ConnectHeader, ConnectRecord } from '../../record/connect-record.ts';
import type { ConnectList, ConnectSchema } from '../../record/connect-schema.ts';
import { invalid, list, readOptions, text } from '../options.ts';
import { fieldIndex, perSchema, STRING } from '../schema.ts';
import { SharedHeaders } from '../shared-headers.ts';
import type { TransformDefinition } from '../transform.ts';
import { isEnvelope } from './envelope.ts';
import { type ChunkPlace, type TableName, TimescaleCatalog } from './timescale-catalog.ts';

const OPTIONS = {
  'schema.list': list({ importance: 'HIGH' }, '_timescaledb_internal'),
  'target.topic.prefix': text('timescaledb'),
};
/** Read from its own prefix as the source reads them, and not among the properties that Debezium lists. */
const REQUIRED = ['database.hostname', 'database.user', 'database.dbname'];
const HEADER = '__debezium_timescaledb_';

/**
 * io.debezium.connector.postgresql.transforms.timescaledb.TimescaleDb: changes of a hypertable's chunks as those of the
 * hypertable, or of the continuous aggregate that it is kept for: topic and `source` name that, headers the chunk. Tombstones
 * get the headers and stay in the chunk's topic, as in Debezium.
 */
export const timescaleDb: TransformDefinition = {
  options: OPTIONS,
  check: (config) => {
    const missing = REQUIRED.find((property) => (config[property] ?? '').trim() === '');
    return missing === undefined ? null : `The '${missing}' value is invalid: A value is required`;
  },
  create(config, { query, log } = {}) {
    const options = readOptions(OPTIONS, config);
    if (query === undefined) throw invalid('TimescaleDb needs a source that can be asked for its catalog');
    const schemas = new Set(options['schema.list']);
    const prefix = options['target.topic.prefix'];
    const catalog = new TimescaleCatalog((statements) => query(config, statements));
    const namesOf = perSchema(findNames);
    const headers = new SharedHeaders();
    const orphans = new Set<string>();
    return {
      apply(record) {
        if (record.value === null) return { ...record, headers: headers.ofTombstone(record) };
        const names = isEnvelope(record) ? namesOf(record.valueSchema!) : null;
        const chunk = names === null ? null : chunkOf(record, names);
        if (names === null || chunk === null || !schemas.has(chunk.schema)) return record;
        const move = (place: ChunkPlace | null) => {
          if (place === null) return orphan(record, chunk);
          const { schema, table } = place.aggregate ?? place.hypertable;
          return {
            ...record,
            topic: `${prefix}.${schema}.${table}`,
            value: renamed(record.value as ConnectList, names, schema, table),
            headers: headers.add(record, headersOf(chunk, place)),
          };
        };
        const place = catalog.placeOf(chunk);
        return place instanceof Promise ? place.then(move) : move(place);
      },
    };

    function orphan(record: ConnectRecord, { schema, table }: TableName): ConnectRecord {
      const name = `${schema}.${table}`;
      if (!orphans.has(name))
        log?.warn({ table: name }, 'a chunk is of no hypertable: it stays in its topic');
      orphans.add(name);
      return record;
    }
  },
};

/** Where the envelope has the names of the table. */
interface Names {
  readonly source: number;
  readonly schema: number;
  readonly table: number;
}

function findNames(envelope: ConnectSchema): Names | null {
  const source = fieldIndex(envelope, 'source');
  if (source < 0) return null;
  const block = envelope.fields![source].schema;
  const [schema, table] = [fieldIndex(block, 'schema'), fieldIndex(block, 'table')];
  return schema < 0 || table < 0 ? null : { source, schema, table };
}

function chunkOf(record: ConnectRecord, names: Names): TableName | null {
  const block = (record.value as ConnectList)[names.source] as ConnectList | null;
  if (block === null) return null;
  const [schema, table] = [block[names.schema], block[names.table]];
  return typeof schema === 'string' && typeof table === 'string' ? { schema, table } : null;
}

function renamed(envelope: ConnectList, names: Names, schema: string, table: string): ConnectList {
  const source = (envelope[names.source] as ConnectList).with(names.schema, schema).with(names.table, table);
  return envelope.with(names.source, source);
}

function headersOf(chunk: TableName, { hypertable, aggregate }: ChunkPlace): ConnectHeader[] {
  const named = (what: string, { schema, table }: TableName): ConnectHeader[] => [
    { name: `${HEADER}${what}_table`, schema: STRING, value: table },
    { name: `${HEADER}${what}_schema`, schema: STRING, value: schema },
  ];
  return [...named('chunk', chunk), ...(aggregate === null ? [] : named('hypertable', hypertable))];
}
