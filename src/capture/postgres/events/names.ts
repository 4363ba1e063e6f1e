import { IcestreamError } from '../../../base/errors.ts';
import type { TableId } from '../../../record/table.ts';
import type { PostgresConfig } from '../config.ts';

/** `topic.naming.strategy`: by schema and table, or by the table alone. */
export function topicOf({ schema, table }: TableId, config: PostgresConfig): string {
  const strategy = config['topic.naming.strategy'] ?? DEFAULT_STRATEGY;
  const parts = [config['topic.prefix'], ...partsOf(strategy, schema, table)];
  const name = parts.filter((part) => part.trim() !== '').join(config['topic.delimiter']);
  return sanitized(name, strategy.includes('Unicode'));
}

const DEFAULT_STRATEGY = 'io.debezium.schema.SchemaTopicNamingStrategy';

function partsOf(strategy: string, schema: string, table: string): readonly string[] {
  switch (strategy) {
    case DEFAULT_STRATEGY:
    case 'io.debezium.schema.SchemaUnicodeTopicNamingStrategy':
      return [schema, table];
    case 'io.debezium.schema.DefaultTopicNamingStrategy':
    case 'io.debezium.schema.DefaultUnicodeTopicNamingStrategy':
      return [table];
    default:
      throw new IcestreamError('config.invalid', `topic.naming.strategy ${strategy} is not known`, {
        hint: 'Leave it out and route by transforms.',
      });
  }
}

const TOPIC_LENGTH_MAX = 249;

/** Kafka's names of topics are of letters, digits, dot, underscore and hyphen. */
function sanitized(name: string, isUnicode: boolean): string {
  const valid = isUnicode
    ? name.replace(/[^a-zA-Z0-9.-]/g, unicodeEscape)
    : name.replace(/[^a-zA-Z0-9._-]/g, '_');
  return valid.slice(0, TOPIC_LENGTH_MAX);
}

export type AdjustmentMode = PostgresConfig['schema.name.adjustment.mode'];

/** A schema's full name as Avro accepts it. */
export function adjustedSchemaName(name: string, mode: AdjustmentMode): string {
  return adjusted(name, mode, '.');
}

export function adjustedFieldName(name: string, mode: AdjustmentMode): string {
  return adjusted(name, mode, '');
}

/** `avro` puts an underscore for what Avro forbids, `avro_unicode` the code; there the underscore is escaped itself. */
function adjusted(name: string, mode: AdjustmentMode, alsoValid: string): string {
  if (mode === 'none') return name;
  let result = '';
  for (let i = 0; i < name.length; i++) {
    const unit = name[i];
    const isDigit = unit >= '0' && unit <= '9';
    if (/[a-zA-Z]/.test(unit) || (unit === '_' && mode === 'avro')) result += unit;
    else if (i > 0 && (isDigit || unit === alsoValid)) result += unit;
    else if (mode === 'avro_unicode') result += unicodeEscape(unit);
    else result += isDigit ? `_${unit}` : '_';
  }
  return result;
}

function unicodeEscape(unit: string): string {
  return `_u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
