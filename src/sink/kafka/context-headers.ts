import { randomBytes } from 'node:crypto';
import type { ConnectHeader } from '../../record/connect-record.ts';
import type { ConnectSchema } from '../../record/connect-schema.ts';

const TEXT: ConnectSchema = { type: 'string', optional: false };

/**
 * `extended.headers.enabled`: what ran when the record was made. `connectorName` is the kind of database, as Debezium has it;
 * the run's id is a UUID of version 7, new with every start of the task.
 */
export function contextHeaders(prefix: string, task: number, connector: string): readonly ConnectHeader[] {
  const values = {
    connectorLogicalName: prefix,
    taskId: String(task),
    connectorName: connector,
    runId: uuidV7(Date.now()),
  };
  return Object.entries(values).map(([name, value]) => ({
    name: `__debezium.context.${name}`,
    schema: TEXT,
    value,
  }));
}

/** 48 bits of milliseconds, version and variant, the rest random (RFC 9562, section 5.7). */
function uuidV7(millis: number): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(millis, 0, 6);
  bytes[6] = 0x70 | (bytes[6] & 0x0f);
  bytes[8] = 0x80 | (bytes[8] & 0x3f);
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
