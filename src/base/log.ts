import pino, { type Logger } from 'pino';

/** Structured log: constant lower-case message, facts as fields, the error under `error`. Never row values. */
export type Log = Logger;

/** The process's root log, JSON lines on stdout. `level` as pino names it. */
export function createLog(level: string, destination: 'stdout' | 'stderr' = 'stdout'): Log {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      errorKey: 'error',
      serializers: { error: errorFields },
    },
    pino.destination({ fd: destination === 'stdout' ? 1 : 2, sync: true }),
  );
}

/** An error as log fields. Driver errors carry the statement's values in `detail` and `where`; those stay out. */
function errorFields(error: unknown): unknown {
  if (!(error instanceof Error)) return { message: String(error) };
  const known = error as Error & { code?: unknown; retry?: unknown; hint?: unknown; context?: unknown };
  return {
    type: error.name,
    code: known.code,
    message: error.message,
    retry: known.retry,
    hint: known.hint,
    context: known.context,
    stack: error.stack,
    cause: error.cause === undefined ? undefined : errorFields(error.cause),
  };
}
