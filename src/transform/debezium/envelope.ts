import type { ConnectRecord } from '../../record/connect-record.ts';
import type { ConnectSchema } from '../../record/connect-schema.ts';

/** Whether the record is a change of a row, not a heartbeat, a transaction's mark or a schema change. */
export function isEnvelope(record: ConnectRecord): boolean {
  return isEnvelopeSchema(record.valueSchema);
}

export function isEnvelopeSchema(schema: ConnectSchema | null): schema is ConnectSchema {
  return schema?.name?.endsWith('.Envelope') ?? false;
}
