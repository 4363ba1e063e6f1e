import type { ConnectSchema, ConnectValue } from '../../record/connect-schema.ts';
import {
  boolean,
  invalid,
  type OptionValues,
  oneOf,
  type Properties,
  readOptions,
  requiredText,
  text,
} from '../options.ts';
import { failed, orDefault, perSchema, requireMap, requireStruct, structLike } from '../schema.ts';
import type { TwoSided } from '../side.ts';
import { type DateFormat, simpleDateFormat } from './simple-date-format.ts';
import { DATE, DAY_MS, isTemporal, TIME, TIMESTAMP, toMillis } from './temporal.ts';

const TYPES = ['string', 'unix', 'Date', 'Time', 'Timestamp'];
const UNITS_PER_MILLI = { seconds: -1000n, milliseconds: 1n, microseconds: 1000n, nanoseconds: 1_000_000n };
const OPTIONS = {
  field: text('', { importance: 'HIGH' }),
  'target.type': requiredText(oneOf(TYPES)),
  format: text(''),
  'unix.precision': text(
    'milliseconds',
    oneOf(['nanoseconds', 'microseconds', 'milliseconds', 'seconds'], { importance: 'LOW' }),
  ),
  'replace.null.with.default': boolean(true),
};
const PURPOSE = 'converting timestamp formats';

/** org.apache.kafka.connect.transforms.TimestampConverter */
export const timestampConverter: TwoSided = {
  options: OPTIONS,
  check: formatProblem,
  create(config, side) {
    const options = readOptions(OPTIONS, config);
    const problem = formatProblem(config);
    if (problem !== null) throw invalid(problem, 'format');
    const conversion = conversionOf(options);
    const nullsBecomeDefaults = options['replace.null.with.default'];
    const whole = perSchema((schema) => conversion.schema(schema.optional));
    const plan = perSchema((schema) => planField(schema, options.field, conversion, nullsBecomeDefaults));
    return {
      apply(record) {
        const schema = side.schema(record);
        const value = side.value(record);
        if (schema === null)
          return side.replace(record, null, convertUntyped(value, options.field, conversion));
        if (options.field === '')
          return side.replace(record, whole(schema), convert(schema, value, conversion));
        const { schema: newSchema, apply } = plan(schema);
        const converted = value === null ? null : apply(requireStruct(schema, value, PURPOSE));
        return side.replace(record, newSchema, converted);
      },
    };
  },
};

/** From text or a count since 1970 to milliseconds, and from there to the target. */
interface Conversion {
  readonly parse: (text: string) => number;
  readonly fromUnix: (value: bigint) => number;
  readonly to: (millis: number) => ConnectValue;
  readonly schema: (optional: boolean) => ConnectSchema;
}

function conversionOf(options: OptionValues<typeof OPTIONS>): Conversion {
  const format = options.format.trim() === '' ? null : simpleDateFormat(options.format);
  const units = UNITS_PER_MILLI[options['unix.precision'] as keyof typeof UNITS_PER_MILLI];
  const target = options['target.type'];
  return {
    parse: (text) => parseWith(format, options.format, text),
    // Division in Java cuts toward zero, as that of bigints does.
    fromUnix: (value) => Number(units < 0n ? value * -units : value / units),
    to: (millis) => toTarget(target, millis, format, units),
    schema: (optional) => targetSchema(target, optional),
  };
}

/** What a Date of JavaScript holds. */
const DATE_MAX_MS = 8.64e15;

function toTarget(target: string, millis: number, format: DateFormat | null, units: bigint): ConnectValue {
  switch (target) {
    case 'string':
      if (Math.abs(millis) > DATE_MAX_MS)
        throw failed('A timestamp is out of the range of years -271821 to 275760');
      return format!.format(millis);
    case 'unix':
      return units < 0n ? BigInt(millis) / -units : BigInt(millis) * units;
    case 'Date':
      return Math.floor(millis / DAY_MS);
    case 'Time':
      return millis - Math.floor(millis / DAY_MS) * DAY_MS;
    default:
      return BigInt(millis);
  }
}

function targetSchema(target: string, optional: boolean): ConnectSchema {
  if (target === 'string') return { type: 'string', optional };
  if (target === 'unix') return { type: 'int64', optional };
  if (target === 'Timestamp') return { type: 'int64', optional, name: TIMESTAMP, version: 1 };
  return { type: 'int32', optional, name: target === 'Date' ? DATE : TIME, version: 1 };
}

function planField(
  schema: ConnectSchema,
  name: string,
  conversion: Conversion,
  nullsBecomeDefaults: boolean,
) {
  const old = schema.fields ?? [];
  const at = old.findIndex((field) => field.name === name);
  const fields = old.map((field, i) =>
    i === at ? { name, schema: conversion.schema(field.schema.optional) } : field,
  );
  const apply = (struct: readonly ConnectValue[]) =>
    struct.map((each, i) => {
      const given = nullsBecomeDefaults ? orDefault(old[i].schema, each) : each;
      return i === at ? convert(old[i].schema, given, conversion) : given;
    });
  const fallback = schema.default ?? null;
  const derived: ConnectSchema = {
    ...structLike(schema, fields),
    optional: schema.optional,
    ...(fallback !== null && { default: apply(fallback as readonly ConnectValue[]) }),
  };
  return { schema: derived, apply };
}

function convert(schema: ConnectSchema, value: ConnectValue, conversion: Conversion): ConnectValue {
  if (!isTemporal(schema) && schema.type !== 'int64' && schema.type !== 'string')
    throw failed(`Schema of type ${schema.type} does not correspond to a known timestamp type format`);
  if (value === null) return null;
  if (isTemporal(schema)) return conversion.to(toMillis(schema, value as number | bigint));
  return schema.type === 'string'
    ? conversion.to(conversion.parse(value as string))
    : conversion.to(conversion.fromUnix(value as bigint));
}

function convertUntyped(value: ConnectValue, field: string, conversion: Conversion): ConnectValue {
  if (value === null) return null;
  if (field !== '') {
    const map = new Map(requireMap(value, PURPOSE));
    map.set(field, convertUntyped(map.get(field) ?? null, '', conversion));
    return map;
  }
  if (typeof value === 'string') return conversion.to(conversion.parse(value));
  if (typeof value === 'bigint' || Number.isInteger(value))
    return conversion.to(conversion.fromUnix(BigInt(value as number | bigint)));
  throw failed(`TimestampConverter does not support ${typeof value} objects as timestamps`);
}

function parseWith(format: DateFormat | null, pattern: string, text: string): number {
  const millis = format === null ? null : format.parse(text);
  if (millis === null) throw failed(`Could not parse timestamp: value does not match pattern (${pattern})`);
  return millis;
}

function formatProblem(config: Properties): string | null {
  const format = config['format'] ?? '';
  if (format.trim() === '') {
    return config['target.type'] === 'string'
      ? 'TimestampConverter requires format option to be specified when using string timestamps'
      : null;
  }
  try {
    simpleDateFormat(format);
    return null;
  } catch (error) {
    return (
      `TimestampConverter requires a SimpleDateFormat-compatible pattern for string timestamps: ${format} ` +
      `(${(error as Error).message})`
    );
  }
}
