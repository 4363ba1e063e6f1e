import { type ConnectSchema, type ConnectValue, DECIMAL } from '../../record/connect-schema.ts';
import { boolean, NOT_BLANK, readOptions, requiredList, text } from '../options.ts';
import { failed, mapped, orDefault, perSchema, requireMap, requireStruct, typeText } from '../schema.ts';
import type { TwoSided } from '../side.ts';
import { castValue } from './cast-value.ts';
import { isTemporal } from './temporal.ts';

const OPTIONS = {
  fields: requiredList(),
  replacement: text(null, { importance: 'LOW', ...NOT_BLANK }),
  'replace.null.with.default': boolean(true),
};
const PURPOSE = 'mask fields';

/** org.apache.kafka.connect.transforms.MaskField */
export const maskField: TwoSided = {
  options: OPTIONS,
  create(config, side) {
    const {
      fields,
      replacement,
      'replace.null.with.default': nullsBecomeDefaults,
    } = readOptions(OPTIONS, config);
    const names = new Set(fields);
    const plan = perSchema((schema) => (schema.fields ?? []).map((field) => names.has(field.name)));
    return {
      sees: 'shape',
      apply(record) {
        const schema = side.schema(record);
        const value = side.value(record);
        if (schema === null) return side.replace(record, null, maskMap(value, names, replacement));
        const struct = requireStruct(schema, value, PURPOSE);
        const masks = plan(schema);
        const masked = struct.map((each, i) => {
          const field = schema.fields![i].schema;
          const given = nullsBecomeDefaults ? orDefault(field, each) : each;
          if (!masks[i] || given === null) return given;
          // What cannot be masked fails here, whatever the value.
          const instead = mask(field, replacement);
          return mapped(given, field, (value) => (value === null ? null : instead));
        });
        return side.replace(record, schema, masked);
      },
    };
  },
};

function mask(schema: ConnectSchema, replacement: string | null): ConnectValue {
  return replacement === null ? emptyOf(schema) : asType(replacement, schema);
}

function emptyOf(schema: ConnectSchema): ConnectValue {
  if (schema.name === DECIMAL) return { unscaled: 0n, scale: Number(schema.parameters?.['scale'] ?? 0) };
  switch (schema.type) {
    case 'boolean':
      return false;
    case 'int64':
      return 0n;
    case 'string':
      return '';
    case 'array':
      return [];
    case 'map':
      return new Map();
    case 'bytes':
    case 'struct':
      throw failed(`Cannot mask value of type: ${schema.type}`);
    default:
      return 0;
  }
}

/** The replacement as a value of the field's type; only numbers and text take one. */
function asType(replacement: string, schema: ConnectSchema): ConnectValue {
  if (schema.name === DECIMAL) return decimalOf(replacement);
  if (isTemporal(schema)) throw failed(`Cannot mask value of type ${schema.name} with custom replacement.`);
  switch (schema.type) {
    case 'string':
      return replacement;
    case 'int8':
    case 'int16':
    case 'int32':
    case 'int64':
    case 'float32':
    case 'float64':
      return castValue(null, numberOf(replacement), schema.type);
    default:
      throw failed(`Cannot mask value of type ${schema.type} with custom replacement.`);
  }
}

function decimalOf(text: string): ConnectValue {
  const match = /^([+-]?\d*)(?:\.(\d*))?$/.exec(text);
  const digits = match === null ? '' : match[1] + (match[2] ?? '');
  if (!/\d/.test(digits)) throw notNumber(text);
  return { unscaled: BigInt(digits.replace('+', '')), scale: match![2]?.length ?? 0 };
}

/** Java takes what it can of the number: of 300 a byte has 44, of 1.5 an integer has 1. */
function numberOf(replacement: string): bigint | number {
  if (/^-?\d+$/.test(replacement)) return BigInt(replacement);
  if (/^-?(\d+\.?\d*|\.\d+)$/.test(replacement)) return Number(replacement);
  throw notNumber(replacement);
}

function notNumber(replacement: string): Error {
  return failed(`Unable to convert ${replacement} (string) to number`);
}

function maskMap(value: ConnectValue, names: ReadonlySet<string>, replacement: string | null): ConnectValue {
  const masked = new Map(requireMap(value, PURPOSE));
  for (const name of names) {
    const given = masked.get(name) ?? null;
    masked.set(name, given === null ? null : mask(schemaOf(given), replacement));
  }
  return masked;
}

function schemaOf(value: ConnectValue): ConnectSchema {
  const optional = true;
  if (typeof value === 'bigint') return { type: 'int64', optional };
  if (typeof value === 'number') return { type: Number.isInteger(value) ? 'int32' : 'float64', optional };
  if (typeof value === 'string' || typeof value === 'boolean')
    return { type: typeof value as 'string', optional };
  if (value instanceof Map) return { type: 'map', optional };
  if (Array.isArray(value)) return { type: 'array', optional };
  throw failed(`Cannot mask value of type: ${typeText(null, value)}`);
}
