import { protocolErrors, protocolErrorsCodesById } from '@platformatic/kafka';
import { type ErrorCode, type ErrorContext, IcestreamError } from '../base/errors.ts';

/** The brokers' error codes that are told apart (https://kafka.apache.org/protocol#protocol_error_codes). */
export const KafkaError = {
  unknownServerError: -1,
  none: 0,
  unknownTopicOrPartition: 3,
  messageTooLarge: 10,
  recordListTooLarge: 18,
  topicAuthorizationFailed: 29,
  topicAlreadyExists: 36,
  outOfOrderSequence: 45,
  duplicateSequence: 46,
  invalidProducerEpoch: 47,
  operationNotAttempted: 55,
  unknownProducerId: 59,
  producerFenced: 90,
} as const;

/** What passes by itself: elections, replicas that catch up, coordinators that move, quotas. */
const PASSING = new Set([2, 3, 5, 6, 7, 8, 9, 13, 14, 15, 16, 19, 20, 41, 51, 56, 72, 74, 75, 89, 100, 103]);

const FATAL: Readonly<Record<number, ErrorCode>> = {
  10: 'kafka.record-too-large',
  17: 'kafka.topic-refused',
  18: 'kafka.record-too-large',
  29: 'kafka.rights',
  30: 'kafka.rights',
  31: 'kafka.rights',
  32: 'kafka.record-refused',
  33: 'kafka.auth',
  34: 'kafka.auth',
  43: 'kafka.record-refused',
  44: 'kafka.record-refused',
  47: 'kafka.fenced',
  48: 'kafka.transaction',
  49: 'kafka.transaction',
  50: 'config.invalid',
  52: 'kafka.fenced',
  53: 'kafka.rights',
  54: 'kafka.auth',
  58: 'kafka.auth',
  59: 'kafka.transaction',
  76: 'kafka.record-refused',
  87: 'kafka.record-refused',
  90: 'kafka.fenced',
  120: 'kafka.transaction',
};

/** What a broker says of the records of one partition, or of the right to write them: others are not concerned. */
const OF_RECORDS = new Set([10, 17, 18, 29, 32, 43, 44, 76, 87]);

export function isOfRecords(code: number): boolean {
  return OF_RECORDS.has(code);
}

export function isPassing(code: number): boolean {
  return PASSING.has(code);
}

/** NOT_LEADER_OR_FOLLOWER and so on. */
export function errorName(code: number): string {
  return protocolErrorsCodesById[code] ?? `error ${code}`;
}

/** An error code of a broker that does not pass, as ours. `message` is what the broker added to it, if anything. */
export function refusal(code: number, message: string | null, context: ErrorContext): IcestreamError {
  const name = errorName(code);
  const known = protocolErrors[name as keyof typeof protocolErrors]?.message ?? '';
  const place = Object.entries(context).map(([key, value]) => `${key} ${value}`);
  const where = place.length === 0 ? '' : ` (${place.join(', ')})`;
  const text = `${name}${where}: ${message || known}`;
  return new IcestreamError(FATAL[code] ?? unknownOutcome(code, context) ?? 'kafka.protocol', text, {
    context,
  });
}

/** What the broker did nobody knows; beginning again finds out. It says so of a transaction that just ran out of time. */
function unknownOutcome(code: number, { transactionalId }: ErrorContext): ErrorCode | null {
  if (code !== KafkaError.unknownServerError) return null;
  return transactionalId === undefined ? 'kafka.not-delivered' : 'kafka.transaction';
}

/**
 * The error code in what a request of the library threw; null where it is no answer of the broker. Where one of several
 * partitions is refused the others are only said not to have been attempted.
 */
export function codeIn(error: unknown): number | null {
  const { errors } = error as { errors?: readonly { apiCode?: number }[] };
  const codes = errors?.map((it) => it.apiCode).filter((it) => typeof it === 'number') ?? [];
  return codes.find((it) => it !== KafkaError.operationNotAttempted) ?? codes[0] ?? null;
}

/** The answer that came with an error code, of requests that ask for several things at once. */
export function answerIn<T>(error: unknown): T | null {
  return codeIn(error) === null ? null : ((error as { response?: T }).response ?? null);
}

/**
 * Why a connection failed, which the library says somewhere in the chain of causes: wrong credentials and certificates
 * need somebody, everything else may pass.
 */
export function connectionFailure(error: unknown, address: string): IcestreamError {
  if (error instanceof IcestreamError) return error;
  const context = { broker: address };
  for (let cause = error as Cause | undefined; cause; cause = cause.cause as Cause | undefined) {
    const code = String(cause.code ?? '');
    if (code === 'PLT_KFK_AUTHENTICATION') {
      const said = cause.cause as { errors?: { serverErrorMessage?: string }[] } | undefined;
      const reason = said?.errors?.[0]?.serverErrorMessage ?? cause.message;
      return new IcestreamError('kafka.auth', `${address} refused the login: ${reason}`, {
        cause: error,
        context,
      });
    }
    if (code === 'PLT_KFK_USER' || /CERT|TLS|SSL|SIGNATURE|EPROTO/.test(code)) {
      return new IcestreamError('kafka.tls', `${address}: ${cause.message}`, { cause: error, context });
    }
  }
  return new IcestreamError('kafka.unreachable', `${address}: ${innermost(error)}`, {
    cause: error,
    context,
  });
}

interface Cause {
  readonly code?: unknown;
  readonly message: string;
  readonly cause?: unknown;
}

function innermost(error: unknown): string {
  let at = error as Cause;
  while (at.cause instanceof Error) at = at.cause as Cause;
  return at.message || String(at.code ?? 'connection failed');
}
