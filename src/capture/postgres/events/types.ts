import { createHash } from 'node:crypto';
import type { LogicalType, ValueWriter } from '../../../record/value.ts';
import type { PgType } from '../codecs/index.ts';
import type { PostgresConfig } from '../config.ts';
import type { RootType } from '../schema.ts';
import { EmptyList, ListAdapter } from './adapter.ts';
import { bitsArrayShape, bitsShape, byteaShape, unknownShape } from './binary.ts';
import { declaredDecimal, moneyShape, numericShape } from './decimal.ts';
import { GEOGRAPHY, GEOMETRY, HALF_VECTOR, POINT, SPARSE_VECTOR, VECTOR } from './geometry.ts';
import { intervalShape } from './interval.ts';
import { asIs, INT16, INT32, INT64, optional, type Shape } from './shape.ts';
import {
  dateShape,
  TIMETZ,
  timeShape,
  timestampShape,
  timestamptzShape,
  WholeMillis,
  WholeSeconds,
} from './temporal.ts';
import { enumShape, hstoreShape, textShape, uuidShape } from './text.ts';

/** Debezium's shape of a column, or null where it leaves the column out. */
export function shapeOf(root: RootType, config: PostgresConfig): Shape | null {
  const { logical, type } = root;
  const known =
    isArray(type) && logical.kind === 'list'
      ? arrayShape(logical.element, root, config)
      : scalarShape(logical, type, root.typmod, config);
  if (known !== null || !config['include.unknown.datatypes']) return known;
  const isLeftOut = isArray(type) && NO_ELEMENTS.has(root.element?.name ?? '');
  return isLeftOut ? null : unknownShape(logical, type.name, config);
}

function isArray({ send }: PgType): boolean {
  return send === 'array_send' || send === 'int2vectorsend' || send === 'oidvectorsend';
}

const BOOLEAN = asIs({ type: 'boolean', optional: false }, false);
const SMALL = asIs(INT16, 0);
const INTEGER = asIs(INT32, 0);
const LONG = asIs(INT64, 0n);
const FLOAT = asIs({ type: 'float32', optional: false }, 0);
const DOUBLE = asIs({ type: 'float64', optional: false }, 0);

/** Types whose text is taken as it is; every other type that we read as text is unknown to Debezium. */
const PLAIN_TEXTS = new Set([
  ...['text', 'varchar', 'bpchar', 'char', 'name', 'citext', 'isbn', 'inet', 'cidr', 'macaddr', 'macaddr8'],
  ...['int4range', 'int8range', 'numrange', 'tsrange', 'tstzrange', 'daterange'],
]);

function scalarShape(
  logical: LogicalType,
  { name, labels }: PgType,
  typmod: number,
  config: PostgresConfig,
): Shape | null {
  const placeholder = config['unavailable.value.placeholder'];
  const timeMode = config['time.precision.mode'];
  const correct = config['icestream.correct.values'];
  switch (logical.kind) {
    case 'boolean':
      return BOOLEAN;
    case 'int16':
      return SMALL;
    case 'int32':
      return INTEGER;
    case 'int64':
      return name === 'int8' || name === 'oid' ? LONG : null;
    case 'float32':
      return FLOAT;
    case 'float64':
      return DOUBLE;
    case 'decimal': {
      const mode = config['decimal.handling.mode'];
      if (name === 'money') return moneyShape(mode, config['money.fraction.digits'], correct);
      return numericShape(mode, logical, declaredDecimal(typmod), correct, placeholder);
    }
    case 'string':
      return stringShape(name, placeholder);
    case 'json':
      if (name === 'hstore') return hstoreShape('json', placeholder);
      return textShape(placeholder, 'io.debezium.data.Json');
    case 'map':
      return hstoreShape('map', placeholder);
    case 'xml':
      return textShape(placeholder, 'io.debezium.data.Xml');
    case 'uuid':
      return uuidShape(placeholder);
    case 'enum':
      return enumShape(labels, placeholder);
    case 'bytes':
      return byteaShape(config['binary.handling.mode'], placeholder);
    case 'bits':
      return bitsShape(logical.length);
    case 'date':
      return dateShape(timeMode, correct);
    case 'time':
      return timeShape(timeMode, logical.precision);
    case 'timetz':
      return TIMETZ;
    case 'timestamp':
      return timestampShape(timeMode, logical.precision, correct);
    case 'timestamptz':
      return timestamptzShape(logical.precision, correct);
    case 'interval':
      return intervalShape(config['interval.handling.mode']);
    case 'list':
    case 'struct':
      return NAMED[name] ?? null;
  }
}

/** Lists and structs that are types of their own. */
const NAMED: Readonly<Record<string, Shape>> = {
  point: POINT,
  geometry: GEOMETRY,
  geography: GEOGRAPHY,
  vector: VECTOR,
  halfvec: HALF_VECTOR,
  sparsevec: SPARSE_VECTOR,
};

function stringShape(name: string, placeholder: string): Shape | null {
  if (PLAIN_TEXTS.has(name)) return textShape(placeholder);
  if (name === 'ltree') return textShape(placeholder, 'io.debezium.data.Ltree');
  if (name === 'tsvector') return textShape(placeholder, 'io.debezium.data.Tsvector');
  return null;
}

/** Elements that may be null; of the other types that Debezium has a schema for they may not, as it has it. */
const NULLABLE_ELEMENTS = new Set([
  ...['int2', 'int4', 'int8', 'oid', 'numeric', 'float4', 'float8', 'bool', 'bytea', 'uuid', 'json', 'jsonb'],
  ...[
    'char',
    'varchar',
    'text',
    'bpchar',
    'citext',
    'ltree',
    'hstore',
    'inet',
    'cidr',
    'macaddr',
    'macaddr8',
  ],
  ...['tsrange', 'tstzrange', 'daterange', 'int4range', 'numrange', 'int8range'],
  ...['date', 'time', 'timetz', 'timestamp', 'timestamptz', 'geometry', 'geography'],
]);

/** Arrays of these it leaves out. */
const NO_ELEMENTS = new Set(['money', 'name', 'interval', 'varbit', 'xml', 'point']);

function arrayShape(
  logical: LogicalType,
  { type, element, typmod }: RootType,
  config: PostgresConfig,
): Shape | null {
  if (element === null || element.kind === 'd' || NO_ELEMENTS.has(element.name)) return null;
  const correct = config['icestream.correct.values'];
  if (element.name === 'bit' && !correct) return bitsArrayShape(typmod);
  const shape = scalarShape(logical, element, typmod, config);
  if (shape === null) return null;
  const isVector = type.send !== 'array_send';
  const isNullable = !isVector && NULLABLE_ELEMENTS.has(element.name);
  const values = isNullable ? optional(shape.schema) : shape.schema;
  const placeholder = arrayPlaceholder(element.name, shape, config['unavailable.value.placeholder']);
  return {
    schema: { type: 'array', optional: false, values },
    zero: [],
    ...(placeholder === null ? {} : { unavailable: placeholder }),
    adapt: (out) =>
      isVector && !correct ? new EmptyList(out) : listAdapter(out, element.name, shape, correct),
  };
}

function listAdapter(out: ValueWriter, element: string, shape: Shape, correct: boolean): ValueWriter {
  const adapted = (shape.adaptRead ?? shape.adapt)(out);
  if (adapted === out) return out;
  if (!correct && element === 'time') return new ListAdapter(out, new WholeMillis(adapted));
  if (!correct && element === 'timetz') return new ListAdapter(out, new WholeSeconds(adapted));
  return new ListAdapter(out, adapted);
}

/** Only some arrays have one; the numbers are the placeholder's bytes. */
function arrayPlaceholder(element: string, shape: Shape, placeholder: string): Shape['zero'] {
  // Java's bytes have a sign.
  const bytes = new Int8Array(Buffer.from(placeholder));
  switch (element) {
    case 'text':
    case 'varchar':
    case 'json':
    case 'jsonb':
      return [placeholder];
    case 'int4':
      return [...bytes];
    case 'date':
      return shape.schema.name === 'io.debezium.time.Date' ? [...bytes] : null;
    case 'int8':
      return Array.from(bytes, (byte) => BigInt(byte));
    case 'bytea':
      return shape.schema.type === 'bytes' ? [Buffer.from(placeholder)] : null;
    case 'uuid':
      return [nameUuid(placeholder)];
    default:
      return null;
  }
}

/** UUID.nameUUIDFromBytes: MD5, version 3. */
function nameUuid(name: string): string {
  const hash = createHash('md5').update(name).digest();
  hash[6] = (hash[6] & 0x0f) | 0x30;
  hash[8] = (hash[8] & 0x3f) | 0x80;
  return hash.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
