import { readFileSync } from 'node:fs';
import { Socket, type SocketConstructorOpts } from 'node:net';
import type { ConnectionOptions as TlsOptions } from 'node:tls';
import { Client, type ClientConfig } from 'pg';
import { IcestreamError } from '../../base/errors.ts';
import { postgresError } from './failure.ts';
import { READ_AHEAD } from './wire/intake.ts';

export type SslMode = 'disable' | 'allow' | 'prefer' | 'require' | 'verify-ca' | 'verify-full';

export interface ConnectOptions {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly applicationName: string;
  readonly sslMode: SslMode;
  /** Paths of PEM files, '' for none. */
  readonly sslCert: string;
  readonly sslKey: string;
  readonly sslPassword: string;
  readonly sslRootCert: string;
  readonly tcpKeepAlive: boolean;
  readonly connectTimeoutMs: number;
  /** Run on each new connection but the replication's. */
  readonly initialStatements: readonly string[];
}

/**
 * A connection for queries. Its errors between queries are not thrown anywhere: the next query fails with them.
 * @throws IcestreamError postgres.connect, postgres.auth
 */
export async function connect(options: ConnectOptions, signal?: AbortSignal): Promise<Client> {
  const client = await connectWithTls(options, {}, signal);
  try {
    for (const statement of options.initialStatements) await client.query(statement);
  } catch (error) {
    await client.end().catch(() => {});
    throw postgresError(error, 'database.initial.statements failed');
  }
  return client;
}

/** A connection in replication mode, where simple queries and replication commands alike can be sent. */
export function connectReplication(options: ConnectOptions, signal?: AbortSignal): Promise<Client> {
  return connectWithTls(options, { replication: 'database' } as ClientConfig, signal);
}

/**
 * Takes the socket from a connected client that has nothing outstanding. `pg` parses each message into an object with
 * its own buffer, which costs more than all else that is done to a row; from here on the bytes are ours.
 */
export function takeSocket(client: Client): Socket {
  const socket = (client as unknown as { connection: { stream: Socket } }).connection.stream;
  socket.removeAllListeners();
  taken.add(socket);
  client.removeAllListeners();
  // Under TLS it still hears of the end of the socket beneath; whoever has the socket hears it, too.
  client.on('error', () => {});
  return socket;
}

/** Sockets whose reader copies each chunk before it returns. */
const taken = new WeakSet<Socket>();

/**
 * A socket that reads into one buffer over and over instead of allocating 64 kB for every read, which is what the
 * garbage collector would be busy with otherwise. As long as `pg` has it, chunks are copied, since that keeps them.
 * Not for TLS, where the bytes come out of the decryption, record by record.
 */
function chunkSocket(): Socket {
  const onread = {
    buffer: Buffer.allocUnsafeSlow(READ_BYTES),
    callback(length: number, buffer: Buffer): boolean {
      const chunk = buffer.subarray(0, length);
      socket.emit('data', taken.has(socket) ? chunk : Buffer.from(chunk));
      return true;
    },
  };
  const socket = new Socket({ onread, readableHighWaterMark: READ_AHEAD } as SocketConstructorOpts);
  return socket;
}

const READ_BYTES = 256 * 1024;

/** `prefer` and `allow` try the other way once, as libpq does. */
async function connectWithTls(
  options: ConnectOptions,
  extra: ClientConfig,
  signal: AbortSignal | undefined,
): Promise<Client> {
  const mode = options.sslMode;
  if (mode === 'disable') return open(options, extra, false, signal);
  if (mode !== 'prefer' && mode !== 'allow') return open(options, extra, tls(options), signal);
  const [first, second] = mode === 'prefer' ? [tls(options), false as const] : [false as const, tls(options)];
  try {
    return await open(options, extra, first, signal);
  } catch (error) {
    if (!mayDifferWithTls(error)) throw error;
    return open(options, extra, second, signal);
  }
}

function mayDifferWithTls(error: unknown): boolean {
  const { code, cause } = error as { code?: string; cause?: { message?: string; code?: string } };
  return code === 'postgres.auth'
    ? cause?.code === '28000'
    : /SSL/.test(cause?.message ?? '') || cause?.code === 'ECONNRESET';
}

async function open(
  options: ConnectOptions,
  extra: ClientConfig,
  ssl: TlsOptions | false,
  signal: AbortSignal | undefined,
): Promise<Client> {
  signal?.throwIfAborted();
  const client = new Client({
    host: options.host,
    port: options.port,
    user: options.user,
    password: options.password,
    database: options.database,
    application_name: options.applicationName,
    keepAlive: options.tcpKeepAlive,
    connectionTimeoutMillis: options.connectTimeoutMs,
    ssl,
    ...extra,
    ...(ssl === false && 'replication' in extra ? { stream: chunkSocket as never } : {}),
  });
  client.on('error', () => {});
  const cancel = () => void client.end().catch(() => {});
  signal?.addEventListener('abort', cancel, { once: true });
  try {
    await client.connect();
    return client;
  } catch (error) {
    signal?.throwIfAborted();
    throw connectFailed(error, options);
  } finally {
    signal?.removeEventListener('abort', cancel);
  }
}

function connectFailed(error: unknown, options: ConnectOptions): IcestreamError {
  const { host, port, database, user, sslMode } = options;
  const context = { host, port, database, user, sslMode };
  const { code = '', message } = error as { code?: string; message?: string };
  if (!/CERT|SELF_SIGNED|LEAF_SIGNATURE|ALTNAME/.test(code)) {
    return postgresError(error, 'cannot connect to PostgreSQL', context);
  }
  return new IcestreamError('postgres.connect', `the server's certificate is refused: ${message}`, {
    cause: error,
    context,
    retry: 'operator',
    hint: 'Give the root of its certificate in database.sslrootcert, or choose another database.sslmode.',
  });
}

/** libpq's meaning of the modes: `require` encrypts without looking at the certificate unless a root is given. */
function tls(options: ConnectOptions): TlsOptions {
  const root = options.sslRootCert === '' ? undefined : file('database.sslrootcert', options.sslRootCert);
  const mode = options.sslMode;
  const verify = mode === 'verify-ca' || mode === 'verify-full' || (mode === 'require' && root !== undefined);
  return {
    rejectUnauthorized: verify,
    ...(root === undefined ? {} : { ca: root }),
    ...(options.sslCert === '' ? {} : { cert: file('database.sslcert', options.sslCert) }),
    ...(options.sslKey === '' ? {} : { key: file('database.sslkey', options.sslKey) }),
    ...(options.sslPassword === '' ? {} : { passphrase: options.sslPassword }),
    ...(mode === 'verify-full' ? {} : { checkServerIdentity: () => undefined }),
  };
}

function file(property: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new IcestreamError('config.invalid', `the file of ${property} cannot be read`, {
      cause,
      context: { property, path },
    });
  }
}
