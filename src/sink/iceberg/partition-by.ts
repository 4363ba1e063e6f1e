import { IcestreamError } from '../../base/errors.ts';
import type { PartitionField, PartitionSpec, Schema } from '../../iceberg/schema.ts';
import { transformResultType } from '../../iceberg/transform.ts';
import type { TableSchema } from '../../record/table.ts';

const UNPARTITIONED: PartitionSpec = { 'spec-id': 0, fields: [] };

/**
 * The partition specs of a new table from `partition-by` as the Iceberg Kafka Connect sink writes it: `region`,
 * `day(created)` or `days(created)`, `bucket(id, 16)`, `truncate(name, 4)`. A partitioned table has spec 0 unpartitioned
 * and its real one as 1, so that a global delete could be written (L-3).
 *
 * @throws IcestreamError config.invalid naming the table and the field
 */
export function parsePartitionBy(
  fields: readonly string[],
  schema: Schema,
  table: TableSchema,
): readonly PartitionSpec[] {
  if (fields.length === 0) return [UNPARTITIONED];
  const parsed = fields.map((text, i) => parseField(text, 1000 + i, schema, table));
  return [UNPARTITIONED, { 'spec-id': 1, fields: parsed }];
}

function parseField(text: string, id: number, schema: Schema, table: TableSchema): PartitionField {
  const match = /^(?:(\w+)\s*\(\s*([^,)]+?)\s*(?:,\s*(\d+)\s*)?\)|([^()]+))$/.exec(text.trim());
  const column = (match?.[2] ?? match?.[4] ?? '').trim();
  const field = schema.fields.find((candidate) => candidate.name === column);
  if (match === null || field === undefined)
    throw invalid(text, table, field === undefined ? `no column ${column}` : 'not understood');
  if (typeof field.type !== 'string') throw invalid(text, table, `${column} is a nested column`);
  const { transform, suffix } = transformOf(match[1]?.toLowerCase() ?? 'identity', match[3], text, table);
  transformResultType(transform, field.type);
  return {
    'source-id': field.id,
    'field-id': id,
    name: suffix === '' ? column : `${column}_${suffix}`,
    transform,
  };
}

function transformOf(name: string, argument: string | undefined, text: string, table: TableSchema) {
  const singular = name.replace(/s$/, '');
  if (name === 'identity') return { transform: 'identity', suffix: '' };
  if (['year', 'month', 'day', 'hour'].includes(singular)) return { transform: singular, suffix: singular };
  if (argument !== undefined && name === 'bucket')
    return { transform: `bucket[${argument}]`, suffix: 'bucket' };
  if (argument !== undefined && name === 'truncate')
    return { transform: `truncate[${argument}]`, suffix: 'trunc' };
  throw invalid(text, table, `unknown transform ${name}`);
}

function invalid(text: string, table: TableSchema, why: string): IcestreamError {
  return new IcestreamError('config.invalid', `partition-by field "${text}" of ${table.name}: ${why}`, {
    context: { table: table.name },
  });
}
