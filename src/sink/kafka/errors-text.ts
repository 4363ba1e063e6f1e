import { javaText } from '../../convert/value-text.ts';
import type { ConnectHeader, ConnectRecord } from '../../record/connect-record.ts';
import type { ConnectSchema } from '../../record/connect-schema.ts';
import type { StageFailure } from './errors-stage.ts';

/** What Connect's LogReporter says of a failure; `record` null: without the record. */
export function failureText(
  taskId: string,
  { stage, className }: StageFailure,
  record: ConnectRecord | null,
): string {
  const what = `Error encountered in task ${taskId} while performing ${stage} operation with class 'class ${className}'`;
  return record === null ? `${what}.` : `${what}, with record = ${recordText(record)}.`;
}

/** A record as its Java class prints it, key and value as the classes of Connect's data print theirs. */
export function recordText(record: ConnectRecord): string {
  const { topic, partition, keySchema, key, valueSchema, value, timestampMs, headers } = record;
  const parts = [
    `topic='${topic}'`,
    `kafkaPartition=${partition}`,
    `key=${javaText(keySchema, key)}`,
    `keySchema=${schemaText(keySchema)}`,
    `value=${javaText(valueSchema, value)}`,
    `valueSchema=${schemaText(valueSchema)}`,
    `timestamp=${timestampMs}`,
    `headers=ConnectHeaders(headers=[${headers.map(headerText).join(', ')}])`,
  ];
  return `ConnectRecord{${parts.join(', ')}}`;
}

function headerText({ name, schema, value }: ConnectHeader): string {
  return `ConnectHeader(key=${name}, value=${javaText(schema, value)}, schema=${schemaText(schema)})`;
}

function schemaText(schema: ConnectSchema | null): string {
  if (schema === null) return 'null';
  const type = schema.type.toUpperCase();
  return schema.name === undefined ? `Schema{${type}}` : `Schema{${schema.name}:${type}}`;
}
