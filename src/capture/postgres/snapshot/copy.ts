import type { Socket } from 'node:net';
import type { Client } from 'pg';
import { IcestreamError } from '../../../base/errors.ts';
import { Op, type TransactionMark } from '../../../record/batch.ts';
import { BatchBuilder } from '../../../record/builder.ts';
import type { BatchPool } from '../../../record/pool.ts';
import type { TableSchema } from '../../../record/table.ts';
import { int16At, int32At } from '../codecs/integer.ts';

export interface CopyOptions {
  /** Columns of the result. */
  readonly columns: number;
  /** Whose rows these are: one result column per column of the table, in order. Null: cells without rows. */
  readonly row: {
    readonly table: TableSchema;
    readonly mark: TransactionMark;
    readonly flags: number;
  } | null;
  /** A batch is handed out once it holds this many bytes; a wider row passes alone. */
  readonly batchBytes: number;
  /** Where batches take their arrays from, if not made anew. */
  readonly pool?: BatchPool;
  /**
   * Takes a full builder, or the last one (`done`, perhaps without rows). Answers null when there is room for more, or
   * what to wait for before the socket is read again.
   */
  emit(builder: BatchBuilder, done: boolean): Promise<void> | null;
  readonly signal: AbortSignal;
}

/**
 * Runs `COPY (query) TO STDOUT (FORMAT binary)` and turns its rows into batches of Op.read. The driver stands aside
 * meanwhile: it would make an object and a copy per message, and that costs more than everything done here. After an
 * abort or a lost connection the client is not fit for use any more; after an error of the server it is.
 *
 * @returns the number of rows
 */
export function copyRows(client: Client, query: string, options: CopyOptions): Promise<number> {
  return new CopyReader(client, options).run(`COPY (${query}) TO STDOUT (FORMAT binary)`);
}

const COPY_DATA = 0x64;
const COPY_DONE = 0x63;
const COMMAND_COMPLETE = 0x43;
const COPY_OUT_RESPONSE = 0x48;
const READY_FOR_QUERY = 0x5a;
const ERROR_RESPONSE = 0x45;
/** Notices, parameter changes and notifications may come at any time. */
const ASIDES = [0x4e, 0x53, 0x41];

/** `PGCOPY\n\377\r\n\0`, int32 flags, int32 length of an extension. */
const FILE_HEADER_BYTES = 19;
const MESSAGE_HEADER_BYTES = 5;
/** Room beside `batchBytes` for the socket's last read, so that a usual batch never grows. */
const READ_SLACK = 128 * 1024;
/** Cells and rows start small and grow with what the table turns out to be. */
const INITIAL_ROWS = 1024;

/**
 * Bytes go from the socket's read into the batch's own arena in one copy, and messages are read where they lie: an
 * arena therefore also holds message headers and the length words between cells. A message whose end has not come yet
 * waits at the arena's end; when the batch is handed out first, its bytes move to the next one.
 */
class CopyReader {
  readonly #options: CopyOptions;
  readonly #socket: Socket;
  readonly #columns: number;
  #builder: BatchBuilder;
  /** Start of the first message in the arena that is not read yet. */
  #at = 0;
  #rows = 0;
  #headerSeen = false;
  #error: IcestreamError | null = null;
  #resolve: (rows: number) => void = () => {};
  #reject: (error: unknown) => void = () => {};
  #ended = false;

  constructor(client: Client, options: CopyOptions) {
    this.#options = options;
    this.#socket = socketOf(client);
    this.#columns = options.columns;
    this.#builder = this.#newBuilder(0);
  }

  run(statement: string): Promise<number> {
    const { signal } = this.#options;
    signal.throwIfAborted();
    const socket = this.#socket;
    const driver = socket.listeners('data') as ((chunk: Buffer) => void)[];
    const onData = (chunk: Buffer) => this.#take(chunk);
    const onClose = () =>
      this.#fail(new IcestreamError('postgres.connect', 'connection lost while reading a snapshot'));
    const onAbort = () => {
      this.#fail(signal.reason);
      socket.destroy();
    };
    socket.removeAllListeners('data');
    socket.on('data', onData);
    socket.once('close', onClose);
    signal.addEventListener('abort', onAbort, { once: true });
    const finished = new Promise<number>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    socket.write(queryMessage(statement));
    return finished.finally(() => {
      this.#ended = true;
      signal.removeEventListener('abort', onAbort);
      socket.off('close', onClose);
      socket.off('data', onData);
      for (const listener of driver) socket.on('data', listener);
    });
  }

  #take(chunk: Buffer): void {
    if (this.#ended) return;
    const builder = this.#builder;
    const at = builder.reserve(chunk.length);
    chunk.copy(builder.bytes, at);
    builder.byteLength = at + chunk.length;
    try {
      this.#readMessages();
    } catch (error) {
      this.#fail(error);
      this.#socket.destroy();
    }
  }

  /** Reads all whole messages; each is a type byte, an int32 length that counts itself, and the content. */
  #readMessages(): void {
    while (!this.#ended) {
      const { bytes, byteLength } = this.#builder;
      const at = this.#at;
      if (byteLength - at < MESSAGE_HEADER_BYTES) return;
      const end = at + 1 + int32At(bytes, at + 1);
      if (end > byteLength) {
        if (end > bytes.length) this.#makeRoom(end - at);
        return;
      }
      const type = bytes[at];
      this.#at = end;
      if (type === COPY_DATA) {
        this.#readRows(at + MESSAGE_HEADER_BYTES, end);
        if (end >= this.#options.batchBytes) this.#handOut();
      } else {
        this.#readOther(type, at + MESSAGE_HEADER_BYTES, end);
      }
    }
  }

  /** The message at hand does not fit: it goes into an arena of its own size, behind no other rows. */
  #makeRoom(messageBytes: number): void {
    const builder = this.#builder;
    // The read that completes the message may bring the next ones along.
    if (builder.rowCount > 0) this.#handOut(messageBytes);
    else builder.reserve(this.#at + messageBytes + READ_SLACK - builder.byteLength);
  }

  /** Tuples: int16 field count (-1 ends the file), then per field int32 length (-1 null) and bytes. */
  #readRows(start: number, end: number): void {
    const builder = this.#builder;
    const { row } = this.#options;
    const { bytes } = builder;
    const columns = this.#columns;
    let at = start;
    if (!this.#headerSeen) {
      this.#headerSeen = true;
      at += FILE_HEADER_BYTES;
    }
    while (at < end) {
      const count = int16At(bytes, at);
      at += 2;
      if (count < 0) break;
      if (count !== columns) throw malformed(`${count} fields where ${columns} were asked for`);
      builder.ensureCells(count);
      const { cellStart, cellLength } = builder;
      const first = builder.cellCount;
      for (let cell = first; cell < first + count; cell++) {
        const length = int32At(bytes, at);
        at += 4;
        cellStart[cell] = at;
        cellLength[cell] = length;
        if (length > 0) at += length;
      }
      builder.cellCount = first + count;
      if (row !== null) builder.row(row.table, Op.read, row.flags, -1, first, 0, 0);
      this.#rows++;
    }
    if (at > end) throw malformed('a row that goes beyond its message');
  }

  #readOther(type: number, start: number, end: number): void {
    switch (type) {
      case COPY_OUT_RESPONSE:
      case COPY_DONE:
      case COMMAND_COMPLETE:
        return;
      case ERROR_RESPONSE:
        this.#error = serverError(this.#builder.bytes.subarray(start, end));
        return;
      case READY_FOR_QUERY:
        this.#finish();
        return;
      default:
        if (!ASIDES.includes(type)) throw malformed(`message type ${type}`);
    }
  }

  #finish(): void {
    if (this.#error !== null) {
      this.#fail(this.#error);
      return;
    }
    this.#ended = true;
    const room = this.#options.emit(this.#builder, true);
    if (room === null) this.#resolve(this.#rows);
    else room.then(() => this.#resolve(this.#rows), this.#reject);
  }

  /** Gives the rows away; bytes of unread messages move to the next arena. */
  #handOut(messageBytes = 0): void {
    const full = this.#builder;
    const unread = full.bytes.subarray(this.#at, full.byteLength);
    const next = this.#newBuilder(Math.max(messageBytes, unread.length));
    unread.copy(next.bytes, 0);
    next.byteLength = unread.length;
    full.byteLength = this.#at;
    this.#builder = next;
    this.#at = 0;
    const room = this.#options.emit(full, false);
    if (room === null) return;
    this.#socket.pause();
    room.then(
      () => this.#socket.resume(),
      (error) => this.#fail(error),
    );
  }

  #newBuilder(bytes: number): BatchBuilder {
    const size = Math.max(this.#options.batchBytes, bytes) + READ_SLACK;
    const { pool = null } = this.#options;
    const builder = new BatchBuilder(size, INITIAL_ROWS * this.#columns, INITIAL_ROWS, pool);
    if (this.#options.row !== null) builder.transaction(this.#options.row.mark);
    return builder;
  }

  #fail(error: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#reject(error);
  }
}

/** The driver's socket (TLS or not). Not in its public interface, but the only way to the bytes as they are. */
export function socketOf(client: Client): Socket {
  return (client as unknown as { connection: { stream: Socket } }).connection.stream;
}

function queryMessage(statement: string): Buffer {
  const text = Buffer.from(statement, 'utf8');
  const message = Buffer.allocUnsafe(text.length + 6);
  message[0] = 0x51;
  message.writeInt32BE(text.length + 5, 1);
  text.copy(message, 5);
  message[text.length + 5] = 0;
  return message;
}

/** Fields of an ErrorResponse: one letter and a zero-terminated text each. Details may hold row values and stay out. */
function serverError(bytes: Buffer): IcestreamError {
  const fields = new Map<string, string>();
  for (const field of bytes.toString('utf8').split('\0')) {
    if (field !== '') fields.set(field[0], field.slice(1));
  }
  return new IcestreamError('postgres.query', fields.get('M') ?? 'unknown server error', {
    context: { sqlstate: fields.get('C') },
  });
}

function malformed(what: string): IcestreamError {
  return new IcestreamError('postgres.protocol', `malformed COPY data: ${what}`);
}
