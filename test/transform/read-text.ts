import type { ConnectSchema, ConnectValue } from '../../src/record/connect-schema.ts';
import { parseRecorded } from '../convert/recorded.ts';

/** A text of JsonConverter with its schema; without one as that converter reads it: whole numbers are 64 bits. */
export function readText(text: string | null): { schema: ConnectSchema | null; value: ConnectValue } {
  if (text === null) return { schema: null, value: null };
  if (!text.startsWith('{"schema":null')) return parseRecorded(text);
  const { payload } = JSON.parse(text) as { payload: unknown };
  return { schema: null, value: untyped(payload) };
}

function untyped(json: unknown): ConnectValue {
  if (typeof json === 'number') return Number.isInteger(json) ? BigInt(json) : json;
  if (Array.isArray(json)) return json.map(untyped);
  if (typeof json !== 'object' || json === null) return json as ConnectValue;
  return new Map(Object.entries(json).map(([key, value]) => [key, untyped(value)]));
}
