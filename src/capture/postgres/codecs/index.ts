import type { Codec, LogicalType } from '../../../record/value.ts';
import { bitBooleanCodec, bitsCodec } from './bits.ts';
import * as geometric from './geometric.ts';
import {
  boolCodec,
  float4Codec,
  float8Codec,
  int2Codec,
  int4Codec,
  int8Codec,
  uint4Codec,
} from './integer.ts';
import {
  arrayCodec,
  compositeCodec,
  hstoreJsonCodec,
  hstoreMapCodec,
  multirangeCodec,
  rangeCodec,
} from './nested.ts';
import { inetCodec, lsnCodec, macaddrCodec, tidCodec } from './network.ts';
import { moneyCodec, numericCodec } from './numeric.ts';
import type { Printed } from './print.ts';
import { byteaCodec, charCodec, textCodec, uuidCodec, versionedTextCodec } from './text.ts';
import { tsqueryCodec, tsvectorCodec } from './textsearch.ts';
import { dateCodec, intervalCodec, timeCodec, timestampCodec, timetzCodec } from './time.ts';
import { halfvecCodec, sparsevecCodec, vectorCodec } from './vector.ts';

/** A row of pg_type with what it refers to. */
export interface PgType {
  readonly oid: number;
  readonly name: string;
  /** pg_type.typtype: base, composite, domain, enum, multirange, pseudo, range. */
  readonly kind: 'b' | 'c' | 'd' | 'e' | 'm' | 'p' | 'r';
  /**
   * Name of the send function, '' for none. It alone says what the binary form is: names of types are anybody's, and
   * a type of an extension has an oid of its own in every database.
   */
  readonly send: string;
  /** What an array is made of, what a range or multirange is over, what a domain is based on; 0 elsewhere. */
  readonly element: number;
  /** Domain: the typmod it adds; else -1. */
  readonly typmod: number;
  /** Enum labels in order. */
  readonly labels: readonly string[];
  /** Composite: its attributes. */
  readonly attributes: readonly { readonly type: number; readonly typmod: number }[];
}

export interface CodecOptions {
  readonly hstoreHandlingMode: 'json' | 'map';
  readonly moneyFractionDigits: number;
  /** Read what Debezium leaves out because it knows no schema for it. */
  readonly includeUnknownDatatypes: boolean;
}

export interface ColumnType {
  readonly type: LogicalType;
  readonly codec: Codec;
  /**
   * `binary`: cells hold the send form. `text`: the type has no send function; pgoutput gives its text whatever was
   * asked for, and a COPY must cast it to text.
   */
  readonly wireFormat: 'binary' | 'text';
}

/**
 * How to read a column, or null where the binary form is not known (an extension of its own) or Debezium leaves the
 * type out and `includeUnknownDatatypes` is not set.
 *
 * @param lookup every type that `oid` leads to must be there
 */
export function columnType(
  oid: number,
  typmod: number,
  lookup: (oid: number) => PgType | undefined,
  options: CodecOptions,
): ColumnType | null {
  const type = lookup(oid);
  if (type === undefined) return null;
  if (type.kind === 'd')
    return columnType(type.element, type.typmod >= 0 ? type.typmod : typmod, lookup, options);
  if (type.send === '')
    return { type: { kind: 'string', length: null }, codec: textCodec, wireFormat: 'text' };
  return binaryType(type, typmod, lookup, options);
}

function binaryType(
  type: PgType,
  typmod: number,
  lookup: (oid: number) => PgType | undefined,
  options: CodecOptions,
): ColumnType | null {
  const nested = (oid: number, innerTypmod: number) => {
    const inner = columnType(oid, innerTypmod, lookup, options);
    // A send function that needs another one which does not exist fails on the server.
    return inner === null || inner.wireFormat === 'text' ? null : inner;
  };
  switch (type.send) {
    case 'enum_send':
      return binary({ kind: 'enum', values: type.labels }, textCodec);
    case 'array_send':
    case 'int2vectorsend':
    case 'oidvectorsend': {
      const element = nested(type.element, typmod);
      if (element === null) return null;
      return binary({ kind: 'list', element: element.type }, arrayCodec(element.codec));
    }
    case 'range_send':
    case 'multirange_send': {
      const element = nested(type.element, -1);
      if (element === null) return null;
      const codecOf = type.send === 'range_send' ? rangeCodec : multirangeCodec;
      return binary(STRING, codecOf(printed(element)));
    }
    case 'record_send':
      return compositeType(type, nested, options);
    default:
      return SCALARS[type.send]?.(typmod, options) ?? null;
  }
}

function compositeType(
  type: PgType,
  nested: (oid: number, typmod: number) => ColumnType | null,
  options: CodecOptions,
): ColumnType | null {
  if (!options.includeUnknownDatatypes) return null;
  const fields: Printed[] = [];
  for (const attribute of type.attributes) {
    const field = nested(attribute.type, attribute.typmod);
    if (field === null) return null;
    fields.push(printed(field));
  }
  return binary(STRING, compositeCodec(fields));
}

function printed({ codec, type }: ColumnType): Printed {
  return { codec, kind: type.kind === 'list' ? type.element.kind : type.kind };
}

function binary(type: LogicalType, codec: Codec): ColumnType {
  return { type, codec, wireFormat: 'binary' };
}

const STRING: LogicalType = { kind: 'string', length: null };

type ScalarType = (typmod: number, options: CodecOptions) => ColumnType;

const text: ScalarType = () => binary(STRING, textCodec);
/** varchar(n) and char(n) keep n + 4 as typmod. */
const limitedText: ScalarType = (typmod) =>
  binary({ kind: 'string', length: typmod >= 4 ? typmod - 4 : null }, textCodec);
const asString = (codec: Codec): ScalarType => always(STRING, codec);

function always(type: LogicalType, codec: Codec): ScalarType {
  const result = binary(type, codec);
  return () => result;
}

function timed(kind: 'time' | 'timetz' | 'timestamp' | 'timestamptz', codec: Codec): ScalarType {
  return (typmod) => binary({ kind, precision: typmod >= 0 ? typmod : 6 }, codec);
}

function list(element: LogicalType, codec: Codec): ScalarType {
  return always({ kind: 'list', element }, codec);
}

const FLOAT32: LogicalType = { kind: 'float32' };
const FLOAT64: LogicalType = { kind: 'float64' };
const INT32: LogicalType = { kind: 'int32' };

/** By name of the send function. */
const SCALARS: Readonly<Record<string, ScalarType>> = {
  boolsend: always({ kind: 'boolean' }, boolCodec),
  int2send: always({ kind: 'int16' }, int2Codec),
  int4send: always(INT32, int4Codec),
  int8send: always({ kind: 'int64' }, int8Codec),
  oidsend: always({ kind: 'int64' }, uint4Codec),
  xidsend: always({ kind: 'int64' }, uint4Codec),
  cidsend: always({ kind: 'int64' }, uint4Codec),
  xid8send: always({ kind: 'int64' }, int8Codec),
  float4send: always(FLOAT32, float4Codec),
  float8send: always(FLOAT64, float8Codec),
  numeric_send: (typmod) => binary(decimalType(typmod), numericCodec),
  cash_send: (_typmod, { moneyFractionDigits }) =>
    binary({ kind: 'decimal', precision: 19, scale: moneyFractionDigits }, moneyCodec(moneyFractionDigits)),

  textsend: text,
  citextsend: text,
  namesend: text,
  unknownsend: text,
  bpcharsend: limitedText,
  varcharsend: limitedText,
  charsend: asString(charCodec),
  byteasend: always({ kind: 'bytes' }, byteaCodec),
  json_send: always({ kind: 'json' }, textCodec),
  jsonb_send: always({ kind: 'json' }, versionedTextCodec),
  jsonpath_send: asString(versionedTextCodec),
  xml_send: always({ kind: 'xml' }, textCodec),
  uuid_send: always({ kind: 'uuid' }, uuidCodec),
  bit_send: (typmod) =>
    typmod === 1
      ? binary({ kind: 'boolean' }, bitBooleanCodec)
      : binary({ kind: 'bits', length: typmod >= 0 ? typmod : null }, bitsCodec),
  varbit_send: (typmod) => binary({ kind: 'bits', length: typmod >= 0 ? typmod : null }, bitsCodec),

  date_send: always({ kind: 'date' }, dateCodec),
  time_send: timed('time', timeCodec),
  timetz_send: timed('timetz', timetzCodec),
  timestamp_send: timed('timestamp', timestampCodec),
  timestamptz_send: timed('timestamptz', timestampCodec),
  interval_send: always({ kind: 'interval' }, intervalCodec),

  inet_send: asString(inetCodec),
  cidr_send: asString(inetCodec),
  macaddr_send: asString(macaddrCodec),
  macaddr8_send: asString(macaddrCodec),
  pg_lsn_send: asString(lsnCodec),
  tidsend: asString(tidCodec),

  tsvectorsend: asString(tsvectorCodec),
  tsquerysend: asString(tsqueryCodec),
  ltree_send: asString(versionedTextCodec),
  lquery_send: asString(versionedTextCodec),
  ltxtq_send: asString(versionedTextCodec),
  hstore_send: (_typmod, { hstoreHandlingMode }) =>
    hstoreHandlingMode === 'map'
      ? binary({ kind: 'map', value: STRING }, hstoreMapCodec)
      : binary({ kind: 'json' }, hstoreJsonCodec),

  point_send: always(struct({ x: FLOAT64, y: FLOAT64 }), geometric.pointCodec),
  line_send: asString(geometric.lineCodec),
  lseg_send: asString(geometric.lsegCodec),
  box_send: asString(geometric.boxCodec),
  path_send: asString(geometric.pathCodec),
  poly_send: asString(geometric.polygonCodec),
  circle_send: asString(geometric.circleCodec),
  geometry_send: always(struct({ wkb: { kind: 'bytes' }, srid: INT32 }), geometric.ewkbCodec),
  geography_send: always(struct({ wkb: { kind: 'bytes' }, srid: INT32 }), geometric.ewkbCodec),

  vector_send: list(FLOAT32, vectorCodec),
  halfvec_send: list(FLOAT32, halfvecCodec),
  sparsevec_send: always(
    struct({
      dimensions: INT32,
      indices: { kind: 'list', element: INT32 },
      values: { kind: 'list', element: FLOAT32 },
    }),
    sparsevecCodec,
  ),
};

function struct(fields: Readonly<Record<string, LogicalType>>): LogicalType {
  return { kind: 'struct', fields: Object.entries(fields).map(([name, type]) => ({ name, type })) };
}

/**
 * numeric(p,s) keeps ((p << 16) | s) + 4 as typmod, s in eleven bits with a sign. Scales outside 0..p (since
 * PostgreSQL 15) are brought into it by a greater precision: numeric(5,-2) holds integers of seven digits, numeric(2,5)
 * five fraction digits.
 */
function decimalType(typmod: number): LogicalType {
  if (typmod < 4) return { kind: 'decimal', precision: null, scale: null };
  const precision = ((typmod - 4) >> 16) & 0xffff;
  const scale = (((typmod - 4) & 0x7ff) ^ 1024) - 1024;
  if (scale < 0) return { kind: 'decimal', precision: precision - scale, scale: 0 };
  return { kind: 'decimal', precision: Math.max(precision, scale), scale };
}
