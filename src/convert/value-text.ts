import {
  type ConnectDecimal,
  type ConnectSchema,
  type ConnectValue,
  DECIMAL,
} from '../record/connect-schema.ts';
import { decimalScale, isDecimal, rescale } from './decimal.ts';
import { connectDateText } from './java-date.ts';
import { decimalText, doubleText, floatText } from './java-text.ts';

const DATE = 'org.apache.kafka.connect.data.Date';
const TIME = 'org.apache.kafka.connect.data.Time';
const TIMESTAMP = 'org.apache.kafka.connect.data.Timestamp';
const DAY_MS = 86_400_000;

/**
 * What Java's `toString` says of a value: `Struct{a=1,b=x}` with the fields that are not null, `[1, 2]`, `{a=1}`. Bytes are
 * those of a java.nio.ByteBuffer, which never shows what is in it.
 */
export function javaText(schema: ConnectSchema | null, value: ConnectValue): string {
  if (value === null) return 'null';
  const date = schema === null ? null : dateOf(schema, value);
  if (date !== null) return javaDate(date);
  if (value instanceof Uint8Array) {
    return `java.nio.HeapByteBuffer[pos=0 lim=${value.length} cap=${value.length}]`;
  }
  if (typeof value !== 'object' || isDecimal(value)) return scalarText(schema, value);
  if (value instanceof Map) {
    const pairs = [...(value as ReadonlyMap<ConnectValue, ConnectValue>)].map(
      ([key, item]) => `${javaText(schema?.keys ?? null, key)}=${javaText(schema?.values ?? null, item)}`,
    );
    return `{${pairs.join(', ')}}`;
  }
  const values = value as readonly ConnectValue[];
  if (schema?.type !== 'struct') {
    return `[${values.map((item) => javaText(schema?.values ?? null, item)).join(', ')}]`;
  }
  const fields = (schema.fields ?? []).flatMap((field, i) =>
    values[i] === null ? [] : [`${field.name}=${javaText(field.schema, values[i])}`],
  );
  return `Struct{${fields.join(',')}}`;
}

/**
 * As org.apache.kafka.connect.data.Values.convertToString does it for headers: text as it is, but quoted inside of lists, maps
 * and structs, which look like JSON; bytes in base64.
 */
export function headerText(schema: ConnectSchema | null, value: ConnectValue, isInside = false): string {
  if (value === null) return 'null';
  if (typeof value === 'string') return isInside ? quoted(value) : value;
  const date = schema === null ? null : dateOf(schema, value);
  if (date !== null) return connectDateText(date);
  if (value instanceof Uint8Array) {
    const text = Buffer.from(value.buffer, value.byteOffset, value.length).toString('base64');
    return isInside ? `"${text}"` : text;
  }
  if (typeof value !== 'object' || isDecimal(value)) return scalarText(schema, value);
  if (value instanceof Map) {
    const pairs = [...(value as ReadonlyMap<ConnectValue, ConnectValue>)].map(
      ([key, item]) =>
        `${headerText(schema?.keys ?? null, key, true)}:${headerText(schema?.values ?? null, item, true)}`,
    );
    return `{${pairs.join(',')}}`;
  }
  const values = value as readonly ConnectValue[];
  if (schema?.type !== 'struct') {
    return `[${values.map((item) => headerText(schema?.values ?? null, item, true)).join(',')}]`;
  }
  const fields = (schema.fields ?? []).map(
    (field, i) =>
      `${quoted(field.name)}:${headerText(field.schema, values[i] ?? field.schema.default ?? null, true)}`,
  );
  return `{${fields.join(',')}}`;
}

function scalarText(
  schema: ConnectSchema | null,
  value: boolean | number | bigint | string | ConnectDecimal,
): string {
  if (typeof value === 'object') {
    const { unscaled, scale } = value;
    if (schema?.name !== DECIMAL) return decimalText(unscaled, scale);
    const schemaScale = decimalScale(schema);
    return decimalText(rescale(unscaled, scale, schemaScale), schemaScale);
  }
  if (typeof value !== 'number') return String(value);
  if (schema?.type === 'float32') return floatText(value);
  if (schema?.type === 'float64' || (schema === null && !Number.isInteger(value))) return doubleText(value);
  return String(value);
}

/** Milliseconds since 1970 of a value of Connect's three logical types of time; null for others. */
function dateOf(schema: ConnectSchema, value: ConnectValue): number | null {
  if (typeof value !== 'number' && typeof value !== 'bigint') return null;
  if (schema.name === DATE) return Number(value) * DAY_MS;
  return schema.name === TIME || schema.name === TIMESTAMP ? Number(value) : null;
}

/** java.util.Date.toString in UTC: `Thu Jan 01 00:00:00 UTC 1970`. */
function javaDate(millis: number): string {
  const date = new Date(millis);
  const [weekday, day, month, year, time] = date.toUTCString().replace(',', '').split(' ');
  return `${weekday} ${month} ${day} ${time} UTC ${year}`;
}

function quoted(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}
