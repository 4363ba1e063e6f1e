import type { ChangeBatch } from '../../../record/batch.ts';
import type { Codec } from '../../../record/value.ts';
import { printDecimal, printValue } from '../codecs/print.ts';
import type { PostgresColumn } from '../schema.ts';

/**
 * The key of a row as text in one canonical form: a chunk and the log may hold equal keys in different bytes (1.0 and
 * 1.00, -0 and 0).
 */
export function keyText(
  batch: ChangeBatch,
  firstCell: number,
  keys: readonly number[],
  columns: readonly PostgresColumn[],
): string {
  const parts: string[] = [];
  for (const key of keys) {
    const start = batch.cellStart[firstCell + key];
    const length = batch.cellLength[firstCell + key];
    if (length < 0) parts.push('null');
    else parts.push(JSON.stringify(canonical(columns[key], batch.bytes, start, start + length)));
  }
  return parts.join(',');
}

function canonical({ type, codec }: PostgresColumn, bytes: Uint8Array, start: number, end: number): string {
  const text = printValue({ codec: codec as Codec, kind: type.kind }, bytes, start, end);
  if (type.kind === 'decimal') return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
  return text === '-0' ? printDecimal('0', false, 0) : text;
}
