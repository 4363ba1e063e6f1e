import { asIcestreamError, IcestreamError } from '../../base/errors.ts';

/** What was being done to a record, in Connect's words (org.apache.kafka.connect.runtime.errors.Stage). */
export type Stage =
  | 'TRANSFORMATION'
  | 'HEADER_CONVERTER'
  | 'KEY_CONVERTER'
  | 'VALUE_CONVERTER'
  | 'KAFKA_PRODUCE';

/** An operation on one record that failed, with what says where. */
export class StageFailure extends Error {
  readonly stage: Stage;
  /** Java's name of what was executed. */
  readonly className: string;
  readonly error: IcestreamError;

  constructor(stage: Stage, className: string, error: unknown) {
    super(`${stage} failed`, { cause: error });
    this.stage = stage;
    this.className = className;
    this.error = asIcestreamError(error);
  }
}

/** What the producer says that is no single record's fault: it concerns all that follow. */
export function isProducers(error: unknown): boolean {
  return error instanceof IcestreamError && error.code.startsWith('kafka.') && !isRefusedRecord(error);
}

/** What the producer says of one record; it goes on as if it had not been given. */
export function isRefusedRecord(error: unknown): boolean {
  const code = error instanceof IcestreamError ? error.code : null;
  return code === 'kafka.record-too-large' || code === 'kafka.record-refused';
}
