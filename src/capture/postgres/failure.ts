import { type ErrorCode, type ErrorContext, IcestreamError } from '../../base/errors.ts';

/** SQLSTATE to our code; a prefix of two letters stands for its class. https://www.postgresql.org/docs/current/errcodes-appendix.html */
const CODES: Readonly<Record<string, ErrorCode>> = {
  '08': 'postgres.connect',
  '28': 'postgres.auth',
  '3D000': 'postgres.auth',
  '42501': 'postgres.rights',
  '55006': 'postgres.slot-busy',
  '55000': 'postgres.slot-lost',
  '58P01': 'postgres.slot-lost',
  '57P': 'postgres.connect',
  '53300': 'postgres.connect',
  '53': 'postgres.connect',
};

/**
 * What the driver or the server said, classified once, here, at the border. The server's message may quote names but
 * never row values; its `detail` does and stays in the cause.
 */
export function postgresError(error: unknown, doing: string, context: ErrorContext = {}): IcestreamError {
  if (error instanceof IcestreamError) return error;
  const { code: state = '', message = String(error) } = error as { code?: string; message?: string };
  const code = codeOf(state, message);
  return new IcestreamError(code, `${doing}: ${message}`, {
    cause: error,
    context: { ...context, sqlState: /^[0-9A-Z]{5}$/.test(state) ? state : undefined },
  });
}

function codeOf(state: string, message: string): ErrorCode {
  // The server uses one state for many failures of a slot; its text tells them apart and is untranslated in its log only.
  if (state === '42704' && /replication slot/.test(message)) return 'postgres.slot-lost';
  if (state === '42704' && /publication/.test(message)) return 'postgres.publication';
  if (state === '55000' && /wal_level/.test(message)) return 'postgres.wal-level';
  if (state === '55000' && !/slot|WAL|position/i.test(message)) return 'postgres.query';
  if (state === '28000' && /replication/.test(message)) return 'postgres.rights';
  const known = CODES[state] ?? CODES[state.slice(0, 3)] ?? CODES[state.slice(0, 2)];
  if (known !== undefined) return known;
  if (/^E[A-Z]+$/.test(state) || /SSL|TLS|terminated|timeout|not queryable|closed/i.test(message))
    return 'postgres.connect';
  return 'postgres.query';
}
