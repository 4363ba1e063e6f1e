import { doubleText } from '../../../convert/java-text.ts';
import { type ConnectSchema, DECIMAL } from '../../../record/connect-schema.ts';
import { writeText } from '../../../record/connect-value.ts';
import type { LogicalType, SpecialValue, ValueWriter } from '../../../record/value.ts';
import { printDecimal } from '../codecs/print.ts';
import type { PostgresConfig } from '../config.ts';
import { Adapter } from './adapter.ts';
import { BYTES, FLOAT64, INT32, named, type Shape, TEXT } from './shape.ts';

export type DecimalMode = PostgresConfig['decimal.handling.mode'];

/** numeric(p,s) as its typmod says, without what PostgreSQL makes of scales outside 0..p. */
export interface DeclaredDecimal {
  readonly precision: number;
  readonly scale: number;
}

export function declaredDecimal(typmod: number): DeclaredDecimal | null {
  if (typmod < 4) return null;
  return { precision: ((typmod - 4) >> 16) & 0xffff, scale: (typmod - 4) & 0x7ff };
}

/**
 * `declared` null: every value has its own scale. Debezium reads a negative scale without its sign bit, -2 as 2046, and
 * spreads the value accordingly; `correct` has the scale that the value has.
 */
export function numericShape(
  mode: DecimalMode,
  type: LogicalType & { readonly kind: 'decimal' },
  declared: DeclaredDecimal | null,
  correct: boolean,
  placeholder: string,
): Shape {
  const debezium = declared ?? { precision: 0, scale: 0 };
  const { precision, scale } = correct
    ? { precision: type.precision ?? 0, scale: type.scale ?? 0 }
    : debezium;
  if (mode === 'double') return double();
  if (mode === 'string')
    return { ...plainText(declared === null ? null : scale, correct), unavailable: placeholder };
  if (declared === null) return VARIABLE_SCALE;
  const schema = decimalSchema({ scale: String(scale), 'connect.decimal.precision': String(precision) });
  return { schema, zero: { unscaled: 0n, scale }, adapt: (out) => new Precise(out) };
}

/**
 * `money`: a Decimal's scale is `money.fraction.digits`, and there is no precision; a text or double has the value as it is.
 * Of a row that was read it is the double that the driver makes of it.
 */
export function moneyShape(mode: DecimalMode, digits: number, correct: boolean): Shape {
  const { adapt, adaptRead, ...shape } = moneyTarget(mode, digits);
  const scale = mode === 'precise' || correct ? digits : CENT_DIGITS;
  const rescaled = { ...shape, adapt: (out: ValueWriter) => new Cents(adapt(out), scale) };
  if (adaptRead === undefined || correct) return rescaled;
  return { ...rescaled, adaptRead: (out: ValueWriter) => new Cents(adaptRead(out), scale) };
}

function moneyTarget(mode: DecimalMode, scale: number): Shape {
  if (mode === 'double') return double();
  if (mode === 'string') {
    return {
      ...plainText(null, true),
      zero: printDecimal('0', false, scale),
      adaptRead: (out) => new DoubleText(out),
    };
  }
  return {
    schema: decimalSchema({ scale: String(scale) }),
    zero: { unscaled: 0n, scale },
    adapt: (out) => new Precise(out),
    adaptRead: (out) => new DoubleDecimal(out),
  };
}

/** The codec takes the server's unit for one of `money.fraction.digits`; it is a cent. */
class Cents extends Adapter {
  readonly #scale: number;

  constructor(out: ValueWriter, scale: number) {
    super(out);
    this.#scale = scale;
  }

  override decimalSmall(unscaled: number, scale: number): void {
    if (scale === CENT_DIGITS) this.out.decimalSmall(unscaled, scale);
    else this.decimal(BigInt(unscaled), scale);
  }
  override decimal(unscaled: bigint, _scale: number): void {
    const more = this.#scale - CENT_DIGITS;
    if (more >= 0) this.out.decimal(unscaled * 10n ** BigInt(more), this.#scale);
    else this.out.decimal(halfUp(unscaled, 10n ** BigInt(-more)), this.#scale);
  }
}

const CENT_DIGITS = 2;

function halfUp(value: bigint, divisor: bigint): bigint {
  const half = divisor / 2n;
  return (value < 0n ? value - half : value + half) / divisor;
}

/** Double.toString. */
class DoubleText extends Adapter {
  override decimalSmall(unscaled: number, scale: number): void {
    this.decimal(BigInt(unscaled), scale);
  }
  override decimal(unscaled: bigint, scale: number): void {
    writeText(doubleText(Number(`${unscaled}e-${scale}`)), this.out);
  }
}

function decimalSchema(parameters: Readonly<Record<string, string>>): ConnectSchema {
  return named('bytes', DECIMAL, parameters);
}

/** Connect's Decimal has no NaN and no infinity. */
class Precise extends Adapter {
  override decimalSmall(unscaled: number, scale: number): void {
    this.out.decimalSmall(unscaled, scale);
  }
  override decimal(unscaled: bigint, scale: number): void {
    this.out.decimal(unscaled, scale);
  }
  override special(_kind: SpecialValue): void {
    this.out.null();
  }
}

/** From here on not every number of hundredths is a double's shortest text. */
const DOUBLE_DIGITS_MAX = 10n ** 15n;

/** The decimal of a double's text. */
class DoubleDecimal extends Precise {
  override decimal(unscaled: bigint, scale: number): void {
    const size = unscaled < 0n ? -unscaled : unscaled;
    if (size < DOUBLE_DIGITS_MAX) return super.decimal(unscaled, scale);
    const [digits, exponent] = Number(`${unscaled}e-${scale}`).toExponential().split('e') as [string, string];
    const [whole, fraction = ''] = digits.split('.') as [string, string?];
    const more = scale + Number(exponent) - fraction.length;
    const value = BigInt(whole + fraction);
    super.decimal(more >= 0 ? value * 10n ** BigInt(more) : halfUp(value, 10n ** BigInt(-more)), scale);
  }
}

const VARIABLE_SCALE: Shape = {
  schema: {
    ...named('struct', 'io.debezium.data.VariableScaleDecimal'),
    doc: 'Variable scaled decimal',
    fields: [
      { name: 'scale', schema: INT32 },
      { name: 'value', schema: BYTES },
    ],
  },
  zero: [0, Uint8Array.of(0)],
  adapt: (out) => new VariableScale(out),
};

/** Without trailing zeros; the unscaled value as Java's BigInteger: two's complement, big endian, no byte too many. */
class VariableScale extends Adapter {
  /** Reused: `out` takes the bytes before the next value comes. */
  readonly #scratch = Buffer.alloc(8);

  override decimalSmall(unscaled: number, scale: number): void {
    let value = unscaled;
    let digits = scale;
    while (digits > 0 && value % 10 === 0) {
      value /= 10;
      digits--;
    }
    const high = Math.floor(value / 0x1_0000_0000);
    const scratch = this.#scratch;
    scratch.writeInt32BE(high, 0);
    scratch.writeUInt32BE(value - high * 0x1_0000_0000, 4);
    let start = 0;
    while (start < 7 && scratch[start] === ((scratch[start + 1] & 0x80) === 0 ? 0 : 0xff)) start++;
    this.#write(digits, scratch, start, 8);
  }

  override decimal(unscaled: bigint, scale: number): void {
    let value = unscaled;
    let digits = scale;
    while (digits > 0 && value % 10n === 0n) {
      value /= 10n;
      digits--;
    }
    const bytes = twosComplement(value);
    this.#write(digits, bytes, 0, bytes.length);
  }

  override special(_kind: SpecialValue): void {
    this.out.null();
  }

  #write(scale: number, bytes: Uint8Array, start: number, end: number): void {
    this.out.beginStruct();
    this.out.int32(scale);
    this.out.bytes(bytes, start, end);
    this.out.endStruct();
  }
}

function twosComplement(value: bigint): Buffer {
  let bits = 8;
  while (BigInt.asIntN(bits, value) !== value) bits += 8;
  const hex = BigInt.asUintN(bits, value).toString(16);
  return Buffer.from(hex.padStart(bits / 4, '0'), 'hex');
}

function double(): Shape {
  return { schema: FLOAT64, zero: 0, adapt: (out) => new Double(out) };
}

const EXACT_POWERS = Array.from({ length: 23 }, (_, exponent) => 10 ** exponent);

class Double extends Adapter {
  override decimalSmall(unscaled: number, scale: number): void {
    // Both are exact up to 10^22, so the quotient is rounded once, as it would be from the text.
    if (scale < EXACT_POWERS.length) this.out.float64(unscaled / EXACT_POWERS[scale]);
    else this.decimal(BigInt(unscaled), scale);
  }
  override decimal(unscaled: bigint, scale: number): void {
    this.out.float64(Number(`${unscaled}e-${scale}`));
  }
  override special(kind: SpecialValue): void {
    this.out.float64(kind === 'nan' ? Number.NaN : kind === 'infinity' ? Infinity : -Infinity);
  }
}

/** `scale` null: as many digits as the value has. */
function plainText(scale: number | null, correct: boolean): Shape {
  const zero = printDecimal('0', false, scale ?? 0);
  return { schema: TEXT, zero, adapt: (out) => new PlainText(out, scale, correct) };
}

/** Debezium has the names of its constants for what is no number. */
const CONSTANTS = { nan: 'NAN', infinity: 'POSITIVE_INFINITY', '-infinity': 'NEGATIVE_INFINITY' };
const SPECIAL_TEXTS = { nan: 'NaN', infinity: 'Infinity', '-infinity': '-Infinity' };

/** Java's toPlainString. */
class PlainText extends Adapter {
  readonly #scale: number | null;
  readonly #specials: Readonly<Record<SpecialValue, string>>;

  constructor(out: ValueWriter, scale: number | null, correct: boolean) {
    super(out);
    this.#scale = scale;
    this.#specials = correct ? SPECIAL_TEXTS : CONSTANTS;
  }

  override decimalSmall(unscaled: number, scale: number): void {
    this.#write(String(Math.abs(unscaled)), unscaled < 0, scale);
  }
  override decimal(unscaled: bigint, scale: number): void {
    const isNegative = unscaled < 0n;
    this.#write(String(isNegative ? -unscaled : unscaled), isNegative, scale);
  }
  override special(kind: SpecialValue): void {
    writeText(this.#specials[kind], this.out);
  }

  #write(digits: string, isNegative: boolean, scale: number): void {
    const wanted = this.#scale ?? scale;
    const padded = wanted > scale ? digits + '0'.repeat(wanted - scale) : digits;
    writeText(printDecimal(padded, isNegative, Math.max(wanted, scale)), this.out);
  }
}
