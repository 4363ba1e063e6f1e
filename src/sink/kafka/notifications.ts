import type { ConnectRecord } from '../../record/connect-record.ts';
import type { ConnectSchema } from '../../record/connect-schema.ts';
import type { Notification } from '../../record/notification.ts';

const STRING: ConnectSchema = { type: 'string', optional: false };

const KEY: ConnectSchema = {
  type: 'struct',
  optional: false,
  name: 'io.debezium.connector.common.NotificationKey',
  version: 1,
  fields: [{ name: 'id', schema: STRING }],
};

const VALUE: ConnectSchema = {
  type: 'struct',
  optional: false,
  name: 'io.debezium.connector.common.Notification',
  version: 1,
  fields: [
    { name: 'id', schema: STRING },
    { name: 'type', schema: STRING },
    { name: 'aggregate_type', schema: STRING },
    { name: 'additional_data', schema: { type: 'map', optional: true, keys: STRING, values: STRING } },
    { name: 'timestamp', schema: { type: 'int64', optional: false } },
  ],
};

/** `notification.sink.topic.name`: a record for each notification. */
export function notificationRecord(topic: string, notification: Notification): ConnectRecord {
  const { id, type, aggregateType, data, timestampMs } = notification;
  return {
    topic,
    partition: null,
    keySchema: KEY,
    key: [id],
    valueSchema: VALUE,
    value: [id, type, aggregateType, new Map(Object.entries(data)), BigInt(timestampMs)],
    timestampMs: null,
    headers: [],
  };
}
