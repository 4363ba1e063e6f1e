import type { PostgresColumn } from '../schema.ts';

/** A column's type as PostgreSQL's JDBC driver describes it. */
export interface JdbcType {
  readonly name: string;
  readonly length: number;
  readonly scale: number | null;
}

const UNLIMITED = 2_147_483_647;
/** What the driver says of numeric without precision. */
const ANY_NUMERIC = 131_089;

const SERIALS: Readonly<Record<string, string>> = { int2: 'smallserial', int4: 'serial', int8: 'bigserial' };

/** The stream knows no serials, and has a length for numeric without one. */
export function jdbcType({ root, typeName, defaultSql }: PostgresColumn, asStreamed: boolean): JdbcType {
  const { type, typmod, element } = root;
  const isVector = asStreamed && type.send.endsWith('vectorsend');
  const isArray = type.send === 'array_send' || isVector;
  const base = isArray && element !== null ? element.name : type.name;
  const isSerial =
    !asStreamed && SERIALS[typeName] !== undefined && (defaultSql?.startsWith('nextval(') ?? false);
  if (typeName === 'numeric' && typmod < 4 && !asStreamed) return { name: typeName, length: 0, scale: null };
  return {
    name: isSerial ? SERIALS[typeName] : typeName,
    length: lengthOf(base, typmod),
    scale: scaleOf(base, typmod),
  };
}

function lengthOf(name: string, typmod: number): number {
  switch (name) {
    case 'int2':
      return 5;
    case 'int4':
    case 'oid':
      return 10;
    case 'int8':
      return 19;
    case 'float4':
      return 8;
    case 'float8':
      return 17;
    case 'bool':
    case 'char':
      return 1;
    case 'numeric':
      return typmod < 4 ? ANY_NUMERIC : ((typmod - 4) >> 16) & 0xffff;
    case 'varchar':
    case 'bpchar':
      return typmod < 4 ? UNLIMITED : typmod - 4;
    case 'bit':
      return typmod;
    case 'varbit':
      return typmod < 0 ? UNLIMITED : typmod;
    default:
      return temporalLength(name, typmod) ?? UNLIMITED;
  }
}

/** The width of the longest text: `4713-01-01 BC`, then the time with its fraction, then the zone. */
function temporalLength(name: string, typmod: number): number | null {
  const fraction = typmod < 0 ? 7 : typmod === 0 ? 0 : typmod === 1 ? 3 : typmod + 1;
  switch (name) {
    case 'date':
      return 13;
    case 'time':
      return 8 + fraction;
    case 'timetz':
      return 14 + fraction;
    case 'timestamp':
      return 22 + fraction;
    case 'timestamptz':
      return 28 + fraction;
    case 'interval':
      return 49;
    default:
      return null;
  }
}

function scaleOf(name: string, typmod: number): number {
  switch (name) {
    case 'float4':
      return 8;
    case 'float8':
      return 17;
    case 'numeric':
      return typmod < 4 ? 0 : (typmod - 4) & 0x7ff;
    case 'time':
    case 'timetz':
    case 'timestamp':
    case 'timestamptz':
      return typmod < 0 ? 6 : typmod;
    case 'interval':
      return typmod < 0 ? 6 : typmod & 0xffff;
    default:
      return 0;
  }
}
