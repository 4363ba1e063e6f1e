import type { Socket } from 'node:net';
import { type ErrorContext, IcestreamError, invariant } from '../../base/errors.ts';
import { failpoint } from '../../base/failpoint.ts';
import type { Log } from '../../base/log.ts';
import type { TaskMetrics } from '../../base/metrics.ts';
import type { ChangeBatch } from '../../record/batch.ts';
import { BatchPool } from '../../record/pool.ts';
import { measureStreamed } from '../measure.ts';
import { BatchQueue } from '../queue.ts';
import { postgresError } from './failure.ts';
import { formatLsn, type Lsn, maxLsn } from './lsn.ts';
import { messageTable } from './messages.ts';
import type { PostgresOffset } from './offset.ts';
import type { Interleave, TableCatalog } from './parts.ts';
import type { Spool } from './spool.ts';
import type { Commit } from './wire/control.ts';
import { Decoder, Stop, type StopCode } from './wire/decoder.ts';
import { Feedback } from './wire/feedback.ts';
import { COPY_DONE, responseFields, simpleQuery, TERMINATE } from './wire/frames.ts';
import { Intake } from './wire/intake.ts';
import { type StartOptions, startReplication } from './wire/start.ts';

export interface StreamOptions extends StartOptions {
  /** In replication mode, taken over by `takeSocket`. Closed at the end. */
  readonly socket: Socket;
  readonly from: PostgresOffset;
  readonly database: string;
  readonly catalog: TableCatalog;
  readonly interleave: Interleave | null;
  readonly wantsMessage: (prefix: string) => boolean;
  readonly spool: Spool;
  /** Between status updates at most this; the server's wal_sender_timeout must be well above. */
  readonly statusIntervalMs: number;
  /**
   * Half of it for finished batches that wait to be pulled (beyond, the socket is not read), half for arrays that wait to be
   * used again.
   */
  readonly memoryBytes: number;
  readonly metrics: TaskMetrics;
  readonly log: Log;
}

const BATCH_BYTES = 1024 * 1024;
const BATCH_ROWS = 16 * 1024;
const BATCH_BYTES_MAX = 2 * 1024 * 1024;
/**
 * A batch goes out at once when the last went out longer ago than this, so that a lone change waits for nothing, and
 * else when this time is over: under load the server sends row by row, and a batch per read would cost more than the rows.
 */
const LINGER_MS = 3;
/** Where so much has come since then, it comes fast, and the batch waits for more of it. */
const LOAD_BYTES = 64 * 1024;
const LOAD_LINGER_MS = 25;
/** At most one batch of idle progress in this time on the server's request. */
const IDLE_MS = 1000;

/**
 * One START_REPLICATION session. The socket's chunks are decoded as they arrive into a queue of batches bounded in
 * bytes; a full queue pauses the socket. Status updates go out by a timer of their own, since a paused socket hides
 * the server's requests for them while it still reads ours (P-2).
 */
export class ChangeStream {
  readonly #options: StreamOptions;
  readonly #decoder: Decoder;
  readonly #queue: BatchQueue;
  /** Chunks that arrived while something asynchronous was going on. */
  readonly #waiting: Buffer[] = [];
  #busy = false;
  #intake: Intake | null = null;
  #ended = false;
  #started: { resolve(): void; reject(error: unknown): void } | null = null;
  #feedback: Feedback | null = null;
  #linger: NodeJS.Timeout | null = null;
  #lastFlush = 0;
  /** Offset of the last batch that was handed out; idle progress beyond it is worth a batch of its own. */
  #handedOut: Lsn;

  constructor(options: StreamOptions) {
    this.#options = options;
    const half = Math.floor(options.memoryBytes / 2);
    this.#queue = new BatchQueue(half, options.metrics, () => this.#onPull());
    this.#handedOut = options.from.lsn;
    this.#decoder = new Decoder(options.from, {
      messageTable: messageTable(options.database),
      ownPrefix: options.interleave?.messagePrefix ?? null,
      wantsMessage: options.wantsMessage,
      keepalive: (end, reply) => this.#onKeepalive(end, reply),
      batchBytes: BATCH_BYTES,
      batchRows: BATCH_ROWS,
      batchBytesMax: BATCH_BYTES_MAX,
      pool: new BatchPool(half),
    });
  }

  /**
   * Sends START_REPLICATION and resolves when the server streams.
   * @throws IcestreamError postgres.slot-busy, postgres.slot-lost, postgres.publication and others
   */
  async start(): Promise<void> {
    const { socket, from, statusIntervalMs } = this.#options;
    this.#intake = new Intake(socket, (chunk) => this.#onData(chunk));
    socket.on('error', (error) => this.#fail(postgresError(error, 'the replication connection broke')));
    socket.on('close', () => this.#onClose());
    const started = new Promise<void>((resolve, reject) => {
      this.#started = { resolve, reject };
    });
    socket.write(simpleQuery(startReplication(this.#options, from.lsn)));
    await started;
    this.#feedback = new Feedback(socket, from.lsn, statusIntervalMs, () => this.#idle());
  }

  /**
   * The next batch, null when `signal` aborted. Batches that were decoded before a failure come before it.
   */
  next(signal: AbortSignal): Promise<ChangeBatch | null> {
    return this.#queue.next(signal);
  }

  /** Durable everywhere: the server may forget what ends at or before `lsn`. */
  acknowledge(lsn: Lsn): void {
    if (!this.#ended) this.#feedback?.flushed(lsn);
  }

  /** Says good-bye after a last status update, so that the slot is free for the next session at once. */
  async close(): Promise<void> {
    const { socket } = this.#options;
    const graceful = this.#feedback !== null && !this.#ended && !this.#queue.failed;
    this.#ended = true;
    // Nobody reads any more: who waits for room goes on and finds that it is over.
    this.#queue.fail(ended('the stream was closed', this.#context()));
    this.#stopTimers();
    if (graceful && !socket.destroyed) {
      this.#feedback?.send();
      socket.write(COPY_DONE);
      socket.end(TERMINATE);
      await closed(socket, 2000);
    }
    socket.destroy();
    await this.#options.spool.close();
  }

  #onData(chunk: Buffer): void {
    if (this.#ended) return;
    this.#options.metrics.bytesRead += chunk.length;
    if (this.#busy) {
      this.#waiting.push(Buffer.from(chunk));
      return;
    }
    try {
      this.#decoder.feed(chunk);
      this.#pump();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Decodes what is there. Whatever must be waited for makes it busy, and `#pump` goes on afterwards. */
  #pump(): void {
    for (;;) {
      const stop = this.#decoder.run();
      if (stop === Stop.more) break;
      const pending = this.#handle(stop);
      if (pending !== null) {
        this.#wait(pending);
        return;
      }
      if (this.#ended || this.#queue.failed) return;
    }
    if (this.#decoder.ready) this.#flushSoon();
  }

  #handle(stop: StopCode): Promise<void> | null {
    const decoder = this.#decoder;
    switch (stop) {
      case Stop.batch:
        return this.#flush();
      case Stop.relation:
        return this.#relation();
      case Stop.spool:
        return this.#spool();
      case Stop.streamAbort: {
        const { xid, subxid } = decoder.abort!;
        return this.#options.spool.abort(xid, subxid);
      }
      case Stop.streamCommit:
        return this.#replay(decoder.commit!);
      case Stop.message:
        return this.#messages();
      case Stop.pause:
        return this.#pause();
      case Stop.server:
        this.#onServerMessage();
        return null;
      default:
        return null;
    }
  }

  /** Stops reading until `pending` is done. */
  #wait(pending: Promise<void>): void {
    this.#busy = true;
    this.#intake?.hold();
    pending.then(
      () => {
        this.#busy = false;
        if (this.#ended) return;
        try {
          for (const chunk of this.#waiting.splice(0)) this.#decoder.feed(chunk);
          this.#pump();
          this.#onPull();
        } catch (error) {
          this.#fail(error);
        }
      },
      (error) => this.#fail(error),
    );
  }

  async #relation(): Promise<void> {
    const decoder = this.#decoder;
    const xid = decoder.transaction?.xid;
    decoder.resolve(await this.#options.catalog.relation(decoder.relation!, xid));
  }

  #spool(): Promise<void> | null {
    const decoder = this.#decoder;
    const bytes = decoder.builder.bytes.subarray(decoder.streamFrom, decoder.at);
    const pending = this.#options.spool.write(decoder.streamXid, bytes);
    decoder.spooled();
    if (!decoder.ready || decoder.at < BATCH_BYTES) return pending;
    const flushed = this.#flush();
    return pending === null ? flushed : pending.then(() => flushed ?? undefined);
  }

  /** A streamed transaction has committed: what was kept of it is decoded before what comes after. */
  async #replay(commit: Commit): Promise<void> {
    const decoder = this.#decoder;
    const { spool, catalog } = this.#options;
    const rest = decoder.detach();
    decoder.beginReplay(commit, spool.aborted(commit.xid));
    for await (const chunk of spool.read(commit.xid)) {
      decoder.feed(chunk);
      for (let stop = decoder.run(); stop !== Stop.more; stop = decoder.run()) {
        if (stop === Stop.relation) decoder.resolve(await catalog.relation(decoder.relation!, commit.xid));
        else if (stop === Stop.batch) await this.#flush();
        else invariant(stop === Stop.message, 'a spooled transaction holds what only a stream may', { stop });
      }
      failpoint('spool.releasing');
      await this.#queue.room();
      if (this.#ended) return;
    }
    decoder.endReplay(commit);
    await spool.drop(commit.xid);
    failpoint('spool.released');
    if (decoder.messages.length > 0) await this.#messages();
    else if (decoder.builder.rowCount > BATCH_ROWS) await this.#flush();
    decoder.feed(rest);
  }

  async #messages(): Promise<void> {
    const decoder = this.#decoder;
    const messages = decoder.messages.splice(0);
    if (decoder.builder.rowCount > 0) await this.#flush();
    for (const { content, lsn } of messages) this.#options.interleave!.message(content, lsn);
    await this.#between(decoder.offset());
  }

  /** What follows is only decoded when the interleave has had its turn: everything before its place is handed out. */
  async #pause(): Promise<void> {
    const decoder = this.#decoder;
    const { pauseAt } = decoder;
    invariant(pauseAt !== null, 'the decoder stopped at no place');
    if (decoder.builder.rowCount > 0) await this.#flush();
    // Nothing that ends at or before it is left.
    decoder.position = maxLsn(decoder.position, pauseAt);
    await this.#between(decoder.offset());
    invariant(decoder.pauseAt !== pauseAt, 'the stream would stand still', { lsn: formatLsn(pauseAt) });
  }

  /** Takes the batch, and what the interleave has to put behind it. */
  #flush(): Promise<void> | null {
    if (this.#linger !== null) clearTimeout(this.#linger);
    this.#linger = null;
    const batch = this.#decoder.take();
    this.#lastFlush = performance.now();
    this.#feedback?.received(this.#decoder.position);
    measureStreamed(batch, this.#options.metrics);
    this.#options.metrics.sourcePosition = formatLsn(this.#decoder.position);
    this.#options.interleave?.batch(batch);
    this.#enqueue(batch);
    return batch.offset === null ? null : this.#between(batch.offset as PostgresOffset);
  }

  #between(offset: PostgresOffset): Promise<void> | null {
    const { interleave } = this.#options;
    if (interleave === null) return null;
    const pending = interleave.between(offset);
    const proceed = () => {
      if (this.#decoder.base.progress !== interleave.progress)
        this.#decoder.base = this.#decoder.base.with({ progress: interleave.progress });
      this.#decoder.pauseAt = interleave.pauseAt;
    };
    if (pending === null) {
      proceed();
      return null;
    }
    return this.#interleaved(pending).then(proceed);
  }

  /** Leaving the loop early lets the interleave put its connections away. */
  async #interleaved(batches: AsyncIterable<ChangeBatch>): Promise<void> {
    for await (const batch of batches) {
      if (this.#ended) return;
      this.#enqueue(batch);
      await this.#queue.room();
    }
  }

  /** While the consumer has something to do, the batch goes on growing. */
  #flushSoon(): void {
    if (this.#linger !== null || !this.#queue.empty) return;
    const lingerMs = this.#decoder.at < LOAD_BYTES ? LINGER_MS : LOAD_LINGER_MS;
    const due = this.#lastFlush + lingerMs - performance.now();
    if (due > 0) this.#linger = setTimeout(() => this.#lingered(), due);
    else this.#flushNow();
  }

  #lingered(): void {
    this.#linger = null;
    if (this.#decoder.ready) this.#flushSoon();
  }

  #flushNow(): void {
    if (this.#busy || this.#ended) return;
    try {
      const pending = this.#flush();
      if (pending !== null) this.#wait(pending);
    } catch (error) {
      this.#fail(error);
    }
  }

  #enqueue(batch: ChangeBatch): void {
    this.#queue.push(batch);
    if (batch.offset !== null) this.#handedOut = (batch.offset as PostgresOffset).lsn;
    if (this.#queue.full) this.#intake?.hold();
  }

  #onPull(): void {
    if (this.#busy || this.#ended) return;
    if (!this.#queue.full) this.#intake?.release();
    if (this.#decoder.ready) this.#flushSoon();
  }

  #onKeepalive(end: Lsn, reply: boolean): void {
    this.#feedback?.received(end);
    const decoder = this.#decoder;
    if (decoder.transaction === null && decoder.builder.rowCount === 0) {
      decoder.position = maxLsn(decoder.position, end);
    }
    if (!reply) return;
    this.#feedback?.requested();
    // A server that shuts down asks, and waits until all that it sent is confirmed.
    if (performance.now() - this.#lastFlush > IDLE_MS) setImmediate(() => this.#idle());
  }

  /** Hands out the position of a log that holds nothing for us, so that the slot can advance (P-2). */
  #idle(): void {
    const decoder = this.#decoder;
    if (this.#busy || this.#ended || this.#queue.failed || !this.#queue.empty) return;
    if (decoder.transaction !== null || decoder.builder.rowCount > 0) return;
    this.#feedback?.received(decoder.position);
    if (decoder.position > this.#handedOut) this.#flushNow();
  }

  /** 'W' the stream begins; 'E' an error; 'N' 'S' notices and parameters; 'c' 'C' 'Z' the server ends the stream. */
  #onServerMessage(): void {
    const decoder = this.#decoder;
    const type = String.fromCharCode(decoder.builder.bytes[decoder.at]);
    const start = decoder.at + 5;
    if (type === 'W') {
      this.#started?.resolve();
      this.#started = null;
    } else if (type === 'E') {
      const fields = responseFields(decoder.builder.bytes, start, decoder.frameEnd);
      const error = { code: fields.get('C') ?? '', message: fields.get('M') ?? 'unknown error' };
      this.#fail(postgresError(error, 'the server ended the replication stream', this.#context()));
      return;
    } else if (type === 'c' || type === 'C' || type === 'Z') {
      this.#fail(ended('the server ended the replication stream', this.#context()));
      return;
    } else if (type !== 'N' && type !== 'S') {
      this.#fail(
        new IcestreamError('postgres.protocol', `unexpected server message ${type}`, {
          context: this.#context(),
        }),
      );
      return;
    }
    decoder.skip();
  }

  #onClose(): void {
    if (!this.#ended) this.#fail(ended('the server closed the replication connection', this.#context()));
  }

  #context(): { slot: string; lsn: string } {
    return { slot: this.#options.slot, lsn: formatLsn(this.#decoder.position) };
  }

  #fail(error: unknown): void {
    if (this.#ended) return;
    this.#stopTimers();
    this.#options.socket.destroy();
    this.#queue.fail(error);
    this.#started?.reject(error);
    this.#started = null;
  }

  #stopTimers(): void {
    if (this.#linger !== null) clearTimeout(this.#linger);
    this.#linger = null;
    this.#feedback?.close();
    this.#intake?.close();
  }
}

function ended(message: string, context: ErrorContext): IcestreamError {
  return new IcestreamError('postgres.connect', message, { context });
}

/** Resolves when the socket is closed or `limitMs` are over. */
function closed(socket: Socket, limitMs: number): Promise<void> {
  if (socket.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, limitMs);
    socket.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
