import { type ConnectValue, DECIMAL } from '../../../record/connect-schema.ts';
import { writeText } from '../../../record/connect-value.ts';
import type { ValueWriter } from '../../../record/value.ts';
import { ValueCollector } from '../../../record/value-collector.ts';
import type { PostgresColumn } from '../schema.ts';
import type { Shape } from './shape.ts';

/**
 * A column's `default` in the schema, undefined for none. Debezium reads the SQL of the default: a call becomes the type's
 * zero (`now()` the epoch, `nextval` 0), of a text the part up to the second quote counts (`'it''s'` is `it`, of a label all
 * of it, with both quotes), and of types not listed here nothing is known. `correct` has constants as they are, and nothing for calls.
 */
export function defaultOf(column: PostgresColumn, shape: Shape, correct: boolean): ConnectValue | undefined {
  const { defaultSql, defaultCell, root, codec } = column;
  if (defaultSql === null || shape.schema.type === 'struct') return undefined;
  const constant = () =>
    defaultCell === null
      ? undefined
      : collected((out) => codec.read(defaultCell, 0, defaultCell.length, shape.adapt(out)));
  if (correct) return constant();
  // A domain's name and an array's are not among the types that it knows.
  const { name, kind } = root.type;
  if (column.typeOid !== root.type.oid || root.element !== null) return undefined;
  if (/^\(?NULL\b/i.test(defaultSql)) return undefined;
  if (kind === 'e') return ALL_QUOTED.exec(defaultSql)?.[1];
  const isCall = CALL.test(defaultSql);
  const isQuoted = defaultSql.includes("'");
  if (TEXTS.has(name)) {
    if (isCall) return ZERO_TEXTS[name] ?? '';
    return isQuoted ? QUOTED.exec(defaultSql)?.[1] : defaultSql;
  }
  const zero = ZEROS[name];
  if (zero === undefined) return undefined;
  if (name === 'bool') return (QUOTED.exec(defaultSql)?.[1] ?? defaultSql).toLowerCase() === 'true';
  if (isCall || (TIMES.has(name) && !isQuoted)) return zeroOf(zero, shape);
  return isQuoted || NUMBER.test(defaultSql) ? constant() : undefined;
}

const CALL = /^[(]?[A-Za-z0-9_]+\((?:.+(?:, ?.+)*)?\)/;
const QUOTED = /'(.*?)'/;
const ALL_QUOTED = /^'(.*)'/;
const NUMBER = /^-?\d+(?:\.\d+)?$/;

const TEXTS = new Set(['bpchar', 'varchar', 'text', 'json', 'jsonb', 'xml']);
/** Of these CURRENT_DATE and its like count as calls, too. */
const TIMES = new Set(['date', 'time', 'timestamp', 'timestamptz']);
const ZERO_TEXTS: Readonly<Record<string, string>> = { json: '{}', jsonb: '{}' };

/** What stands for a call, as a codec would write it. */
const ZEROS: Readonly<Record<string, (out: ValueWriter) => void>> = {
  bit: (out) => writeText('0', out),
  varbit: (out) => writeText('0', out),
  bool: (out) => out.bool(false),
  numeric: (out) => out.decimalSmall(0, 1),
  float4: (out) => out.float32(0),
  float8: (out) => out.float64(0),
  int2: (out) => out.int32(0),
  int4: (out) => out.int32(0),
  int8: (out) => out.int64(0, 0),
  uuid: (out) => out.uuid(new Uint8Array(16), 0),
  date: (out) => out.date(0),
  time: (out) => out.time(0, 0),
  timestamp: (out) => out.timestamp(0, 0),
  timestamptz: (out) => out.timestamp(0, 0),
  interval: (out) => out.interval(0, 0, 0, 0),
};

function zeroOf(write: (out: ValueWriter) => void, shape: Shape): ConnectValue {
  // bit(1) is a boolean, whose codec writes no text; a Decimal has the column's scale.
  if (shape.schema.type === 'boolean' || shape.schema.name === DECIMAL) return shape.zero;
  return collected((out) => write(shape.adapt(out)));
}

function collected(write: (out: ValueWriter) => void): ConnectValue {
  const collector = new ValueCollector();
  write(collector);
  return collector.take();
}
