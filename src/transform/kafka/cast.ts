import {
  type ConnectSchema,
  type ConnectType,
  type ConnectValue,
  DECIMAL,
} from '../../record/connect-schema.ts';
import { boolean, type Properties, readOptions, requiredList } from '../options.ts';
import {
  basicsOf,
  failed,
  mapped,
  orDefault,
  perSchema,
  requireMap,
  requireStruct,
  structLike,
  typeText,
} from '../schema.ts';
import type { TwoSided } from '../side.ts';
import { alwaysCasts, type CastType, castValue } from './cast-value.ts';

const OPTIONS = { spec: requiredList({ check: specProblem }), 'replace.null.with.default': boolean(true) };
const PURPOSE = 'type casting';
const TYPES: readonly string[] = [
  'int8',
  'int16',
  'int32',
  'int64',
  'float32',
  'float64',
  'boolean',
  'string',
] satisfies CastType[];
const INPUTS: ReadonlySet<ConnectType> = new Set([...(TYPES as CastType[]), 'bytes' as const]);

/** org.apache.kafka.connect.transforms.Cast */
export const cast: TwoSided = {
  options: OPTIONS,
  create(config: Properties, side) {
    const { spec, 'replace.null.with.default': nullsBecomeDefaults } = readOptions(OPTIONS, config);
    const casts = new Map(
      spec.map((entry) => entry.split(':').map((part) => part.trim()) as [string, string]),
    );
    const whole =
      spec.length === 1 && !spec[0].includes(':') ? (spec[0].trim().toLowerCase() as CastType) : null;
    const typeOf = (name: string) => casts.get(name)?.toLowerCase() as CastType | undefined;
    const wholeSchema = perSchema((schema) => castSchema(schema, whole!));
    const plan = perSchema((schema) => planFields(schema, typeOf));
    return {
      // Values that cannot be cast whatever they are, are looked at, which those that are not there yet refuse.
      sees: 'shape',
      apply(record) {
        const schema = side.schema(record);
        const value = side.value(record);
        if (value === null) return record;
        if (whole !== null) {
          const cast = castChecked(schema, value, whole);
          return side.replace(record, schema === null ? null : wholeSchema(schema), cast);
        }
        if (schema === null) return side.replace(record, null, castMap(value, typeOf));
        const struct = requireStruct(schema, value, PURPOSE);
        const { types, schema: newSchema } = plan(schema);
        const values = struct.map((each, i) => {
          const field = schema.fields![i].schema;
          const given = nullsBecomeDefaults ? orDefault(field, each) : each;
          const type = types[i];
          if (type === undefined) return given;
          if (!alwaysCasts(field, type)) return castChecked(field, given, type);
          return mapped(given, newSchema.fields![i].schema, (value) => castChecked(field, value, type));
        });
        return side.replace(record, newSchema, values);
      },
    };
  },
};

function planFields(schema: ConnectSchema, typeOf: (name: string) => CastType | undefined) {
  const fields = schema.fields ?? [];
  const types = fields.map(({ name }) => typeOf(name));
  const cast = fields.map((field, i) => {
    const type = types[i];
    return type === undefined ? field : { name: field.name, schema: plainCast(field.schema, type) };
  });
  return { types, schema: { ...structLike(schema, cast), optional: schema.optional } };
}

/** A field's schema after its cast: the logical type is gone, whether it is optional and its default are not. */
function plainCast(schema: ConnectSchema, type: CastType): ConnectSchema {
  const fallback = schema.default ?? null;
  return {
    type,
    optional: schema.optional,
    ...(fallback !== null && { default: castChecked(schema, fallback, type) }),
  };
}

/** A whole value keeps its schema's name. */
function castSchema(schema: ConnectSchema, type: CastType): ConnectSchema {
  return { ...basicsOf(schema), ...plainCast(schema, type) };
}

function castChecked(schema: ConnectSchema | null, value: ConnectValue, type: CastType): ConnectValue {
  if (value === null) return null;
  if (schema !== null && !INPUTS.has(schema.type)) {
    throw failed(`Cast transformation does not support casting to/from ${schema.type}`);
  }
  if (schema === null && (typeof value !== 'object' || value instanceof Uint8Array)) {
    return castValue(null, value, type);
  }
  if (schema === null)
    throw failed(`Cast transformation does not support casting to/from ${typeText(null, value)}`);
  if (schema.type === 'bytes' && type !== 'string' && schema.name !== DECIMAL) {
    throw failed('Unexpected type in Cast transformation: bytes');
  }
  return castValue(schema, value, type);
}

function castMap(value: ConnectValue, typeOf: (name: string) => CastType | undefined): ConnectValue {
  const map = new Map(requireMap(value, PURPOSE));
  for (const [name, each] of map) {
    const type = typeOf(String(name));
    if (type !== undefined) map.set(name, castChecked(null, each, type));
  }
  return map;
}

function specProblem(spec: readonly string[]): string | null {
  if (spec.length === 0) return 'Must specify at least one field to cast.';
  for (const entry of spec) {
    const parts = entry.split(':');
    if (parts.length > 2) return `Invalid rename mapping: ${entry}`;
    const type = parts.at(-1)!.trim().toLowerCase();
    if (!TYPES.includes(type)) return `Invalid type found in casting spec: ${parts.at(-1)!.trim()}`;
    if (parts.length === 1 && spec.length > 1)
      return 'Cast transformations that specify a type to cast the entire value to may ony specify a single cast in their spec';
  }
  return null;
}
