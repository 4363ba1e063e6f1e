import fc from 'fast-check';
import { type ConnectSchema, type ConnectValue, DECIMAL } from '../../src/record/connect-schema.ts';

/** Schemas with values of theirs, of every type and nesting, nulls and defaults among them. */
export interface Typed {
  readonly schema: ConnectSchema;
  readonly value: ConnectValue;
}

const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom('', '"', '\\', '\u001f\u007f\u0085\u2028', '😀', 'x'.repeat(33)),
);
const float = fc.oneof(
  fc.float(),
  fc.integer({ min: -1000, max: 1000 }).map((n) => Math.fround(n / 10)),
);
const double = fc.oneof(
  fc.double(),
  fc.integer().map((n) => n / 100),
  fc.constantFrom(-0, 5e-324, 1e7, 1e-3),
);
const int64 = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.integer().map(BigInt),
  fc.constantFrom(-(2n ** 63n), 2n ** 63n - 1n, 999_999_999n, 1_000_000_000n, -1_000_000_000n, 10n ** 18n),
);

const scalars: readonly [ConnectSchema['type'], fc.Arbitrary<ConnectValue>][] = [
  ['int8', fc.integer({ min: -128, max: 127 })],
  ['int16', fc.integer({ min: -32768, max: 32767 })],
  ['int32', fc.oneof(fc.integer(), fc.constantFrom(-(2 ** 31), 2 ** 31 - 1, 0, 9, 10, 99, 100))],
  ['int64', int64],
  ['float32', float],
  ['float64', double],
  ['boolean', fc.boolean()],
  ['string', text],
  ['bytes', fc.uint8Array({ maxLength: 40 })],
];

const scalar: fc.Arbitrary<Typed> = fc.oneof(
  ...scalars.map(([type, values]) =>
    fc.record({ value: values, fallback: fc.option(values), optional: fc.boolean() }).chain((made) => {
      const schema = { type, optional: made.optional, default: made.fallback ?? undefined };
      return withNull(schema, made.value);
    }),
  ),
);

const decimal: fc.Arbitrary<Typed> = fc
  .record({
    unscaled: fc.oneof(fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }), fc.integer().map(BigInt)),
    scale: fc.integer({ min: 0, max: 8 }),
    more: fc.integer({ min: 0, max: 12 }),
  })
  .map(({ unscaled, scale, more }) => ({
    schema: { type: 'bytes', optional: true, name: DECIMAL, parameters: { scale: String(scale + more) } },
    value: { unscaled, scale },
  }));

export const anyTyped: fc.Arbitrary<Typed> = fc.letrec<{ any: Typed }>((tie) => ({
  any: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalar,
    decimal,
    list(),
    map(),
    struct(tie('any')),
  ),
})).any;

function struct(any: fc.Arbitrary<Typed>): fc.Arbitrary<Typed> {
  return fc
    .record({ optional: fc.boolean(), fields: fc.array(any, { maxLength: 5 }) })
    .chain(({ optional, fields }) => {
      const schema: ConnectSchema = {
        type: 'struct',
        optional,
        name: 'a.Row',
        fields: fields.map((field, i) => ({ name: `f${i}"é`, schema: field.schema })),
      };
      return withNull(
        schema,
        fields.map((field) => field.value),
      );
    });
}

/** Elements are values of one schema each, and of a struct now and then, whose fields differ from element to element. */
function list(): fc.Arbitrary<Typed> {
  return fc.oneof(
    ...scalars.map(([type, values]) => elements({ type, optional: true }, values)),
    rows(),
    nested(),
  );
}

function elements(element: ConnectSchema, values: fc.Arbitrary<ConnectValue>): fc.Arbitrary<Typed> {
  return fc
    .array(fc.option(values), { maxLength: 4 })
    .map((value) => ({ schema: { type: 'array', optional: false, values: element }, value }));
}

function rows(): fc.Arbitrary<Typed> {
  const row: ConnectSchema = {
    type: 'struct',
    optional: true,
    fields: [
      { name: 'a', schema: { type: 'int32', optional: true } },
      { name: 'b', schema: { type: 'string', optional: true, default: 'd' } },
    ],
  };
  const values = fc.tuple(fc.option(fc.integer()), fc.option(text)).map((pair): ConnectValue => pair);
  return elements(row, values);
}

function nested(): fc.Arbitrary<Typed> {
  const inner: ConnectSchema = { type: 'array', optional: true, values: { type: 'int32', optional: true } };
  return elements(inner, fc.array(fc.option(fc.integer()), { maxLength: 3 }));
}

function map(): fc.Arbitrary<Typed> {
  const optional = true;
  const entries = (type: 'string' | 'int32', keys: fc.Arbitrary<ConnectValue>) =>
    fc
      .uniqueArray(fc.tuple(keys, fc.option(fc.array(int64, { maxLength: 2 }))), {
        maxLength: 3,
        selector: ([key]) => key,
      })
      .map((pairs): Typed => {
        const values: ConnectSchema = { type: 'array', optional, values: { type: 'int64', optional } };
        const schema: ConnectSchema = { type: 'map', optional, keys: { type, optional: false }, values };
        return { schema, value: new Map<ConnectValue, ConnectValue>(pairs) };
      });
  return fc.oneof(entries('string', text), entries('int32', fc.integer()));
}

function withNull(schema: ConnectSchema, value: ConnectValue): fc.Arbitrary<Typed> {
  const mayBeNull = schema.optional || schema.default !== undefined;
  return fc.boolean().map((isNull) => ({ schema, value: isNull && mayBeNull ? null : value }));
}
