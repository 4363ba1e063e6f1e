/**
 * One error class, many codes. `ERROR_CODES` is the single table that maps a code to its retry class and to the
 * remedy shown to the operator; a test keeps every code in `docs/errors.md`.
 */

/** `backoff`: try again after a while; `operator`: somebody must change something first; `never`: our own fault or final. */
export type RetryClass = 'backoff' | 'operator' | 'never';

interface CodeFacts {
  readonly retry: RetryClass;
  /** What the operator can do about it, one sentence. */
  readonly hint: string;
}

export const ERROR_CODES = {
  internal: { retry: 'never', hint: 'This is a fault of icestream; report it with the trace.' },
  'config.invalid': {
    retry: 'operator',
    hint: 'Correct the named property and submit the configuration again.',
  },
  'config.provider': {
    retry: 'operator',
    hint: 'Make the variable or file that the reference names available to the process.',
  },

  'postgres.connect': {
    retry: 'backoff',
    hint: 'Check database.hostname, database.port and that the server accepts connections.',
  },
  'postgres.auth': { retry: 'operator', hint: 'Check database.user, database.password and pg_hba.conf.' },
  'postgres.rights': {
    retry: 'operator',
    hint: 'Grant the named right to database.user (REPLICATION, SELECT, CREATE on the database, or ownership).',
  },
  'postgres.wal-level': { retry: 'operator', hint: 'Set wal_level=logical and restart PostgreSQL.' },
  'postgres.publication': {
    retry: 'operator',
    hint: 'Create the publication or set publication.autocreate.mode to filtered or all_tables.',
  },
  'postgres.slot-busy': {
    retry: 'backoff',
    hint: 'Another process reads the slot; stop it or choose another slot.name.',
  },
  'postgres.slot-lost': {
    retry: 'operator',
    hint: 'The slot or its WAL is gone; re-snapshot with snapshot.mode=when_needed or delete the offsets.',
  },
  'postgres.offset-gap': {
    retry: 'operator',
    hint: 'The slot is ahead of the stored offset, changes are missing; re-snapshot with snapshot.mode=when_needed.',
  },
  'postgres.protocol': {
    retry: 'never',
    hint: 'The replication stream holds bytes that cannot be understood; report it with the LSN.',
  },
  'postgres.query': { retry: 'backoff', hint: 'A query failed; see the cause.' },
  'postgres.spool-full': {
    retry: 'operator',
    hint: 'A transaction in progress exceeds the spool quota; raise icestream.spool.max.bytes or split the transaction.',
  },

  'table.unsupported-type': {
    retry: 'operator',
    hint: 'Exclude the column with column.exclude.list or change its type.',
  },
  'table.null-key': { retry: 'operator', hint: 'Choose id-columns that are NOT NULL.' },
  'table.key-not-in-image': {
    retry: 'operator',
    hint: 'Set REPLICA IDENTITY so that deletes carry the id-columns.',
  },
  'table.incompatible-schema': {
    retry: 'operator',
    hint: 'Resume the connector to re-snapshot the table, or restore the old column type.',
  },
  'table.value-out-of-range': {
    retry: 'operator',
    hint: 'The value does not fit the lake column; widen the column or correct the row.',
  },
  'table.unchanged-value': {
    retry: 'operator',
    hint: 'An unchanged large value could not be found; set REPLICA IDENTITY FULL or re-snapshot the table.',
  },
  'table.needs-resnapshot': {
    retry: 'operator',
    hint: 'Resume or restart the connector: the table is then read anew.',
  },
  'table.unreadable': {
    retry: 'operator',
    hint: 'Make the partition columns NOT NULL, choose others with partition-by, or change iceberg.readers; then re-snapshot.',
  },
  'table.missing': { retry: 'operator', hint: 'The captured table no longer exists at the source.' },

  'iceberg.catalog-unreachable': {
    retry: 'backoff',
    hint: 'Check iceberg.catalog.uri and that the catalog is running.',
  },
  'iceberg.catalog-refused': { retry: 'operator', hint: 'Check the credentials and rights of the catalog.' },
  'iceberg.catalog-error': { retry: 'backoff', hint: 'The catalog answered with an error; see the cause.' },
  'iceberg.table-not-found': {
    retry: 'operator',
    hint: 'Create the table or set iceberg.tables.auto-create-enabled=true.',
  },
  'iceberg.table-exists': { retry: 'operator', hint: 'Another process created the table; retry.' },
  'iceberg.namespace-not-found': {
    retry: 'operator',
    hint: 'Create the namespace or set iceberg.tables.auto-create-enabled=true.',
  },
  'iceberg.commit-conflict': { retry: 'backoff', hint: 'Another writer committed to the table first.' },
  'iceberg.commit-unknown': {
    retry: 'backoff',
    hint: 'The catalog did not say whether the commit happened; its snapshot id is looked for.',
  },
  'iceberg.table-replaced': {
    retry: 'operator',
    hint: 'The lake table was dropped, recreated or rolled back; delete the offsets to write it again.',
  },
  'iceberg.unsupported-table': {
    retry: 'operator',
    hint: 'The lake table uses a format or feature that is not written yet.',
  },
  'iceberg.format': { retry: 'never', hint: 'A file of the table cannot be understood; see the path.' },
  'iceberg.fenced': {
    retry: 'backoff',
    hint: 'Another instance writes the same tables; this one begins again from what is in the lake. Stop one of them.',
  },

  'kafka.unreachable': {
    retry: 'backoff',
    hint: 'Check bootstrap.servers, the advertised listeners and that the brokers are running.',
  },
  'kafka.auth': {
    retry: 'operator',
    hint: 'Check security.protocol, sasl.mechanism and sasl.jaas.config, under producer.override. too.',
  },
  'kafka.tls': {
    retry: 'operator',
    hint: 'Check ssl.truststore.location and ssl.keystore.location and that the certificate names the broker.',
  },
  'kafka.rights': {
    retry: 'operator',
    hint: 'Grant the principal Write, Describe and, for new topics, Create; with transactions also Write on the transactional id.',
  },
  'kafka.topic-missing': {
    retry: 'operator',
    hint: 'Create the topic, set topic.creation.default.partitions and replication.factor, or let the brokers create topics.',
  },
  'kafka.topic-refused': {
    retry: 'operator',
    hint: 'The brokers refused to create the topic; correct the topic.creation properties or create it.',
  },
  'kafka.record-too-large': {
    retry: 'operator',
    hint: 'Raise producer.override.max.request.size and the max.message.bytes of the topic, or exclude the column.',
  },
  'kafka.record-refused': {
    retry: 'operator',
    hint: 'The brokers refuse the records as they are; see the message and the configuration of the topic.',
  },
  'kafka.not-delivered': {
    retry: 'backoff',
    hint: 'No broker took the records within delivery.timeout.ms; check that enough replicas are in sync.',
  },
  'kafka.fenced': {
    retry: 'backoff',
    hint: 'Another instance writes with the same transactional id; stop one of them.',
  },
  'kafka.transaction': {
    retry: 'backoff',
    hint: 'The transaction was given up and is written again; if it repeats, raise transaction.timeout.ms.',
  },
  'kafka.protocol': {
    retry: 'never',
    hint: 'The broker is older than Kafka 2.4 or answers what is not understood; report it with its version.',
  },

  'storage.unreachable': { retry: 'backoff', hint: 'Check the endpoint of the object store.' },
  'storage.refused': { retry: 'operator', hint: 'Check the credentials and rights of the object store.' },
  'storage.not-found': { retry: 'operator', hint: 'The named file does not exist.' },
  'storage.full': { retry: 'backoff', hint: 'Free disk space; writing goes on by itself.' },
  'storage.io': { retry: 'backoff', hint: 'Reading or writing a file failed; see the cause.' },

  'state.store': {
    retry: 'operator',
    hint: 'Check that icestream.state.dir is writable and has free space.',
  },
  'task.out-of-memory': {
    retry: 'operator',
    hint: 'Raise icestream.memory.bytes, or lower the number of tasks, and restart the task.',
  },
  'task.crashed': {
    retry: 'never',
    hint: 'This is a fault of icestream; report it with the trace and restart the task.',
  },
  'convert.null': {
    retry: 'operator',
    hint: 'A field that may not be null has no value and no default; correct the row or transform it.',
  },
  'convert.value': {
    retry: 'operator',
    hint: 'The converter cannot represent the value; use another converter or another mode of the column.',
  },
  'convert.schema': {
    retry: 'operator',
    hint: 'The converter cannot represent the schema; use another converter or transform the record.',
  },
  'convert.registry': {
    retry: 'backoff',
    hint: 'Check the url of the schema registry and that it is running.',
  },
  'convert.registry-refused': {
    retry: 'operator',
    hint: 'Check the credentials and rights at the schema registry.',
  },
  'convert.registry-schema': {
    retry: 'operator',
    hint: 'The registry does not have or does not take the schema; see its compatibility level and auto-registration.',
  },

  'transform.record': {
    retry: 'operator',
    hint: 'A transform cannot be applied to a record; correct its properties, or limit it with a predicate.',
  },
  'transform.script': {
    retry: 'operator',
    hint: 'The condition or expression failed or took too long; correct it, or limit it with topic.regex or a predicate.',
  },

  'connector.unknown': {
    retry: 'operator',
    hint: 'Use one of the connector classes that GET /connector-plugins lists.',
  },
} as const satisfies Record<string, CodeFacts>;

export type ErrorCode = keyof typeof ERROR_CODES;

/** Facts that place an error: table, column, offset, path. Never row values, never secrets. */
export type ErrorContext = Readonly<Record<string, string | number | boolean | null | undefined>>;

export class IcestreamError extends Error {
  readonly code: ErrorCode;
  readonly retry: RetryClass;
  readonly hint: string;
  readonly context: ErrorContext;

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; context?: ErrorContext; retry?: RetryClass; hint?: string } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'IcestreamError';
    this.code = code;
    this.retry = options.retry ?? ERROR_CODES[code].retry;
    this.hint = options.hint ?? ERROR_CODES[code].hint;
    this.context = options.context ?? {};
  }
}

/** Whatever was thrown, as an `IcestreamError`; unknown errors become `internal`, aborts stay what they are. */
export function asIcestreamError(
  error: unknown,
  code: ErrorCode = 'internal',
  context?: ErrorContext,
): IcestreamError {
  if (error instanceof IcestreamError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new IcestreamError(code, message, { cause: error, context });
}

export function isAbort(error: unknown): boolean {
  return (
    error instanceof Error &&
    (error.name === 'AbortError' || (error as { code?: string }).code === 'ABORT_ERR')
  );
}

/** An assertion about our own code: what fails here is a fault of icestream, not of its input. */
export function invariant(condition: unknown, message: string, context?: ErrorContext): asserts condition {
  if (!condition) throw new IcestreamError('internal', message, { context });
}
