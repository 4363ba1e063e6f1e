import { IcestreamError } from '../base/errors.ts';
import type { ConnectDecimal, ConnectSchema } from '../record/connect-schema.ts';

/** The scale that every value of a Decimal schema has. @throws IcestreamError convert.schema */
export function decimalScale(schema: ConnectSchema): number {
  const scale = Number(schema.parameters?.['scale'] ?? Number.NaN);
  if (Number.isInteger(scale)) return scale;
  throw new IcestreamError('convert.schema', 'Invalid Decimal schema: scale parameter not found.', {
    context: { schema: schema.name },
  });
}

/** unscaled at another scale, exactly. @throws IcestreamError convert.value: digits would be lost */
export function rescale(unscaled: bigint, from: number, to: number): bigint {
  if (from === to) return unscaled;
  if (from < to) return unscaled * 10n ** BigInt(to - from);
  const factor = 10n ** BigInt(from - to);
  if (unscaled % factor !== 0n) {
    throw new IcestreamError(
      'convert.value',
      'Decimal value has mismatching scale for given Decimal schema',
      {
        context: { scale: from, schemaScale: to },
      },
    );
  }
  return unscaled / factor;
}

/** The two's complement in as few bytes as hold it, big end first, as BigInteger.toByteArray gives them. */
export function twosComplement(value: bigint): Uint8Array {
  let hex = (value < 0n ? -value - 1n : value).toString(16);
  if (hex.length % 2 === 1) hex = `0${hex}`;
  else if (hex >= '8') hex = `00${hex}`;
  const bytes = Buffer.from(hex, 'hex');
  if (value < 0n) for (let i = 0; i < bytes.length; i++) bytes[i] = ~bytes[i];
  return bytes;
}

/** As `twosComplement` of a safe integer into the 8 bytes of `target`; answers where the bytes that count begin. */
export function smallTwosComplement(value: number, target: Uint8Array): number {
  const hi = Math.floor(value / 0x1_0000_0000);
  const lo = value - hi * 0x1_0000_0000;
  for (let i = 0; i < 4; i++) {
    target[i] = hi >> (24 - i * 8);
    target[4 + i] = lo >>> (24 - i * 8);
  }
  let start = 0;
  const sign = hi < 0 ? 0xff : 0;
  while (start < 7 && target[start] === sign && ((target[start + 1] ^ sign) & 0x80) === 0) start++;
  return start;
}

export function isDecimal(value: unknown): value is ConnectDecimal {
  return typeof value === 'object' && value !== null && 'unscaled' in value;
}
