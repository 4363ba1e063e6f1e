/**
 * JSON as Iceberg writes it: snapshot ids and other 64-bit integers exceed what a JavaScript number holds, so they are
 * read as BigInts and printed as plain integers. Nothing else is changed: the order of fields stays, and an integer of
 * an unknown field that a number would round becomes a BigInt too, so that foreign metadata survives a rewrite.
 */

/** Parses JSON with the 64-bit fields as BigInts. A SyntaxError for what is not JSON. */
export function parseJson<T = unknown>(text: string): T {
  return JSON.parse(text, revive as (key: string, value: unknown) => unknown) as T;
}

/** Prints JSON; BigInts become integers. */
export function printJson(value: unknown): string {
  return JSON.stringify(value, printValue);
}

/** The fields that the specification (table metadata, REST requests and responses) gives 64 bits. */
const LONG_FIELDS = new Set([
  'snapshot-id',
  'parent-snapshot-id',
  'current-snapshot-id',
  'snapshot-ids',
  'sequence-number',
  'last-sequence-number',
  'timestamp-ms',
  'last-updated-ms',
  'max-snapshot-age-ms',
  'max-ref-age-ms',
  'first-row-id',
  'next-row-id',
  'added-rows',
]);

// The target library's types do not know these two functions of the runtime yet.
type RawJson = { rawJSON(text: string): unknown };

function revive(key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value === 'number') {
    const source = context?.source ?? String(value);
    if (!/^-?\d+$/.test(source)) return value;
    return LONG_FIELDS.has(key) || !Number.isSafeInteger(value) ? BigInt(source) : value;
  }
  if (Array.isArray(value) && LONG_FIELDS.has(key)) {
    return value.map((item) => (typeof item === 'number' ? BigInt(item) : item));
  }
  return value;
}

function printValue(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? (JSON as unknown as RawJson).rawJSON(value.toString()) : value;
}
