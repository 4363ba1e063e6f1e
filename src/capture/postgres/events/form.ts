import type { ChangeBatch, TransactionMark } from '../../../record/batch.ts';
import type { ConnectSchema } from '../../../record/connect-schema.ts';
import type { EventField, EventForm, SnapshotMarker } from '../../../record/event.ts';
import type { TableSchema } from '../../../record/table.ts';
import type { ValueWriter } from '../../../record/value.ts';
import type { PostgresConfig } from '../config.ts';
import { eventKeyOf, type PostgresTable } from '../schema.ts';
import { byteaShape } from './binary.ts';
import type { Fields } from './field.ts';
import { adjustedSchemaName, topicOf } from './names.ts';
import { asIs, INT64, named, optional, TEXT } from './shape.ts';
import { lsnText, SOURCE_SCHEMA, SourceBlock } from './source-block.ts';

const TRANSACTION_SCHEMA: ConnectSchema = {
  ...named('struct', 'event.block'),
  optional: true,
  fields: [
    { name: 'id', schema: TEXT },
    { name: 'total_order', schema: INT64 },
    { name: 'data_collection_order', schema: INT64 },
  ],
};

const OPTIONAL_LONG = optional(INT64);
const OPTIONAL_TEXT = optional(TEXT);

/** What is the same for all rows, as data. */
type Parts = Omit<EventForm, 'writeSource' | 'transactionId' | 'nextCollection'>;

class PostgresForm implements EventForm {
  readonly topic: string;
  readonly collection: string;
  readonly key: ConnectSchema | null;
  readonly keyFields: readonly EventField[];
  readonly row: ConnectSchema;
  readonly fields: readonly EventField[];
  readonly envelope: ConnectSchema;
  readonly #source: SourceBlock;

  constructor(parts: Parts, source: SourceBlock) {
    this.topic = parts.topic;
    this.collection = parts.collection;
    this.key = parts.key;
    this.keyFields = parts.keyFields;
    this.row = parts.row;
    this.fields = parts.fields;
    this.envelope = parts.envelope;
    this.#source = source;
  }

  writeSource(batch: ChangeBatch, row: number, snapshot: SnapshotMarker, out: ValueWriter): void {
    this.#source.write(batch, row, snapshot, out);
  }

  /** `xid:position`; the first event's stands for the begin. */
  transactionId(batch: ChangeBatch, row: number): string {
    const mark: TransactionMark = batch.transactions[batch.transactionOf[row]];
    return `${mark.id}:${lsnText(batch.positionHi[row], batch.positionLo[row])}`;
  }
}

/** The events of a captured table. */
export function tableForm(table: PostgresTable, fieldsOf: Fields, config: PostgresConfig): EventForm {
  const topic = topicOf(table.id, config);
  const schemaName = (part: string) =>
    adjustedSchemaName(`${topic}.${part}`, config['schema.name.adjustment.mode']);
  const all = fieldsOf.of(table);
  const fields = all.filter(({ column }) => !table.columns[column].keyOnly);
  const keyFields = keyFieldsOf(table, all, config).map((field) => fieldsOf.forKey(table, field));
  const row = struct(schemaName('Value'), fields, true);
  const parts = {
    topic,
    collection: table.name,
    key: keyFields.length === 0 ? null : struct(schemaName('Key'), keyFields, false),
    keyFields,
    row,
    fields,
    envelope: envelopeOf(schemaName('Envelope'), row),
  };
  return new PostgresForm(parts, new SourceBlock(config['topic.prefix'], table.id));
}

function struct(name: string, fields: readonly EventField[], isOptional: boolean): ConnectSchema {
  return { type: 'struct', optional: isOptional, name, fields };
}

function envelopeOf(name: string, row: ConnectSchema): ConnectSchema {
  return {
    type: 'struct',
    optional: false,
    name,
    version: 2,
    fields: [
      { name: 'before', schema: row },
      { name: 'after', schema: row },
      { name: 'source', schema: SOURCE_SCHEMA },
      { name: 'transaction', schema: TRANSACTION_SCHEMA },
      { name: 'op', schema: TEXT },
      { name: 'ts_ms', schema: OPTIONAL_LONG },
      { name: 'ts_us', schema: OPTIONAL_LONG },
      { name: 'ts_ns', schema: OPTIONAL_LONG },
    ],
  };
}

function keyFieldsOf(
  table: PostgresTable,
  fields: readonly EventField[],
  config: PostgresConfig,
): readonly EventField[] {
  const names = eventKeyOf(table.name, table.primaryKey, table.uniqueKey, config);
  return names.flatMap((name) => fields.find(({ column }) => table.columns[column].name === name) ?? []);
}

/**
 * Logical messages: `row` is the `message` of the envelope, which has other fields than a table's, in the order op, ts_ms,
 * source, transaction, message.
 */
export function messageForm(table: TableSchema, config: PostgresConfig): EventForm {
  const prefix = messageField('prefix', 0, OPTIONAL_TEXT);
  const { schema: plain, adapt } = byteaShape(config['binary.handling.mode'], '');
  const bytes = { ...plain, optional: true };
  const content = { ...messageField('content', 1, bytes), adapt };
  const name = (part: string) => `io.debezium.connector.postgresql.${part}`;
  const row: ConnectSchema = {
    ...named('struct', name('Message')),
    fields: [
      { name: 'prefix', schema: OPTIONAL_TEXT },
      { name: 'content', schema: bytes },
    ],
  };
  const parts = {
    // Whatever `topic.delimiter` is.
    topic: `${config['topic.prefix']}.message`,
    collection: 'message',
    key: { ...named('struct', name('MessageKey')), fields: [{ name: 'prefix', schema: OPTIONAL_TEXT }] },
    keyFields: [prefix],
    row,
    fields: [prefix, content],
    envelope: {
      ...named('struct', name('MessageValue')),
      fields: [
        { name: 'op', schema: TEXT },
        { name: 'ts_ms', schema: OPTIONAL_LONG },
        { name: 'source', schema: SOURCE_SCHEMA },
        { name: 'transaction', schema: TRANSACTION_SCHEMA },
        { name: 'message', schema: row },
      ],
    },
  };
  const source = new SourceBlock(config['topic.prefix'], { ...table.id, schema: '', table: '' });
  return config['icestream.correct.values']
    ? new PostgresForm(parts, source)
    : new MessageForm(parts, source);
}

/** Debezium prints a Java object where a name was meant, a new one for every message. */
const MESSAGE_COLLECTION =
  'io.debezium.connector.postgresql.LogicalDecodingMessageMonitor$LogicalDecodingMessageId';

class MessageForm extends PostgresForm {
  #number = 0x1ce5;

  nextCollection(): string {
    return `${MESSAGE_COLLECTION}@${(this.#number++).toString(16)}`;
  }
}

function messageField(name: string, column: number, schema: ConnectSchema): EventField {
  const { adapt } = asIs(schema, null);
  return { name, column, schema, adapt, unavailable: null, absent: null };
}
