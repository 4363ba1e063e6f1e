import {
  type ConnectDecimal,
  type ConnectSchema,
  type ConnectValue,
  DECIMAL,
} from '../../record/connect-schema.ts';
import { isTemporal, toMillis } from '../kafka/temporal.ts';
import { failed } from '../schema.ts';

/** Object.hashCode of a value as Java holds it. @throws IcestreamError transform.record: a struct, whose hash is of no use */
export function javaHash(schema: ConnectSchema, value: ConnectValue): number {
  if (value === null) return 0;
  if (isTemporal(schema)) return hashLong(BigInt(toMillis(schema, value as number | bigint)));
  if (schema.name === DECIMAL) return hashDecimal(value as ConnectDecimal);
  switch (schema.type) {
    case 'string':
      return hashText(value as string);
    case 'boolean':
      return value === true ? 1231 : 1237;
    case 'int8':
    case 'int16':
    case 'int32':
      return value as number;
    case 'int64':
      return hashLong(value as bigint);
    case 'float32':
      return floatBits(value as number);
    case 'float64':
      return hashLong(doubleBits(value as number));
    case 'bytes':
      return hashBytes(value as Uint8Array);
    case 'array':
      return (value as readonly ConnectValue[]).reduce(
        (hash: number, each) => (Math.imul(31, hash) + javaHash(schema.values!, each)) | 0,
        1,
      );
    case 'map':
    case 'struct':
      throw failed(`Values of type ${schema.type} cannot choose a partition`);
  }
}

export function hashText(text: string): number {
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = (Math.imul(31, hash) + text.charCodeAt(i)) | 0;
  return hash;
}

function hashLong(value: bigint): number {
  return Number(BigInt.asIntN(32, value ^ (BigInt.asUintN(64, value) >> 32n)));
}

function floatBits(value: number): number {
  return Number.isNaN(value) ? 0x7fc00000 : new Int32Array(Float32Array.of(value).buffer)[0];
}

function doubleBits(value: number): bigint {
  return Number.isNaN(value) ? 0x7ff8000000000000n : new BigInt64Array(Float64Array.of(value).buffer)[0];
}

/** ByteBuffer.hashCode, since that is what Debezium has bytes in. */
function hashBytes(bytes: Uint8Array): number {
  let hash = 1;
  for (let i = bytes.length - 1; i >= 0; i--) hash = (Math.imul(31, hash) + ((bytes[i] << 24) >> 24)) | 0;
  return hash;
}

/** BigDecimal: 31 times the hash of the unscaled BigInteger, plus the scale. */
function hashDecimal({ unscaled, scale }: ConnectDecimal): number {
  let magnitude = unscaled < 0n ? -unscaled : unscaled;
  const words: number[] = [];
  for (; magnitude > 0n; magnitude >>= 32n) words.push(Number(BigInt.asIntN(32, magnitude)));
  const hash = words.reverse().reduce((sum, word) => (Math.imul(31, sum) + word) | 0, 0);
  return (Math.imul(31, unscaled < 0n ? -hash : hash) + scale) | 0;
}
