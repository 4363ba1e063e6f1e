import { civilDate } from '../base/civil-date.ts';
import { invariant } from '../base/errors.ts';
import type { PartitionValue } from './file.ts';
import { decimalOf, type PartitionSpec, type PrimitiveType, type Schema } from './schema.ts';
import { parseTransform } from './transform.ts';

/**
 * The folder of a partition, `name=value/name=value`, as the Iceberg libraries name it. It is for people: no reader
 * takes a value from it. Empty for an unpartitioned spec.
 */
export function partitionPath(
  schema: Schema,
  spec: PartitionSpec,
  partition: readonly PartitionValue[],
): string {
  return spec.fields
    .map((field, i) => {
      const source = schema.fields.find((candidate) => candidate.id === field['source-id']);
      invariant(
        source !== undefined && typeof source.type === 'string',
        'a partition field has no source column',
        {
          field: field.name,
        },
      );
      return `${urlEncode(field.name)}=${urlEncode(partitionText(field.transform, source.type, partition[i]))}`;
    })
    .join('/');
}

/** A partition value as people read it; `source` is the type before the transform. */
export function partitionText(transform: string, source: PrimitiveType, value: PartitionValue): string {
  if (value === null) return 'null';
  switch (parseTransform(transform).kind) {
    case 'year':
      return yearText(1970 + (value as number));
    case 'month': {
      const months = value as number;
      const year = Math.floor(months / 12);
      return `${yearText(1970 + year)}-${two(months - year * 12 + 1)}`;
    }
    case 'day':
      return dateText(value as number);
    case 'hour': {
      const days = Math.floor((value as number) / 24);
      return `${dateText(days)}-${two((value as number) - days * 24)}`;
    }
    case 'bucket':
    case 'void':
      return String(value);
    default:
      return valueText(source, value);
  }
}

function valueText(type: PrimitiveType, value: Exclude<PartitionValue, null>): string {
  switch (type) {
    case 'date':
      return dateText(value as number);
    case 'time':
      return timeText(value as bigint);
    case 'timestamp':
      return timestampText(value as bigint);
    case 'timestamptz':
      return `${timestampText(value as bigint)}Z`;
    case 'uuid':
      return Buffer.from(value as Uint8Array)
        .toString('hex')
        .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
    default: {
      const decimal = decimalOf(type);
      if (decimal !== null) return decimalText(value as bigint, decimal.scale);
      if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
      return String(value);
    }
  }
}

function dateText(days: number): string {
  const { year, month, day } = civilDate(days);
  return `${yearText(year)}-${two(month)}-${two(day)}`;
}

function timestampText(micros: bigint): string {
  const inDay = ((micros % 86_400_000_000n) + 86_400_000_000n) % 86_400_000_000n;
  const days = Number((micros - inDay) / 86_400_000_000n);
  return `${dateText(days)}T${timeText(inDay)}`;
}

/** Seconds and fraction only as far as they are not zero, the fraction in groups of three digits. */
function timeText(microsOfDay: bigint): string {
  const micros = Number(microsOfDay);
  const seconds = Math.floor(micros / 1e6);
  const fraction = micros - seconds * 1e6;
  const minutes = `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}`;
  if (seconds % 60 === 0 && fraction === 0) return minutes;
  if (fraction === 0) return `${minutes}:${two(seconds % 60)}`;
  const digits = String(fraction).padStart(6, '0').replace(/000$/, '');
  return `${minutes}:${two(seconds % 60)}.${digits}`;
}

function decimalText(unscaled: bigint, scale: number): string {
  const sign = unscaled < 0n ? '-' : '';
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0');
  if (scale === 0) return sign + digits;
  return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

function yearText(year: number): string {
  return (year < 0 ? '-' : '') + String(Math.abs(year)).padStart(4, '0');
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

/** `application/x-www-form-urlencoded`, which is what the reference implementation uses in paths. */
function urlEncode(value: string): string {
  return encodeURIComponent(value)
    .replace(/[!'()~]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
    .replace(/%20/g, '+');
}
