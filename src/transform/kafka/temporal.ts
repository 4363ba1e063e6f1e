import type { ConnectSchema } from '../../record/connect-schema.ts';

export const DATE = 'org.apache.kafka.connect.data.Date';
export const TIME = 'org.apache.kafka.connect.data.Time';
export const TIMESTAMP = 'org.apache.kafka.connect.data.Timestamp';

export const DAY_MS = 86_400_000;

/** Whether Connect has values of this schema as java.util.Date. */
export function isTemporal({ name }: ConnectSchema): boolean {
  return name === DATE || name === TIME || name === TIMESTAMP;
}

/** The milliseconds since 1970 of a value of a temporal schema. */
export function toMillis({ name }: ConnectSchema, value: number | bigint): number {
  return name === DATE ? Number(value) * DAY_MS : Number(value);
}
