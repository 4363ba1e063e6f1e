import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

/** After a read of so much more lies in the kernel's buffer, which should not fill up: the server would wait for us. */
const FULL_READ = 128 * 1024;
const REST_MS = 2;
/** After a read of so much rows come by the thousand, and nobody waits for one of them. */
const BUSY_READ = 16 * 1024;
const BUSY_REST_MS = 8;

/**
 * The socket's readable high-water mark. Node goes on reading a paused socket until this much waits in memory; with
 * a mark of one byte pausing means that the next read is the last.
 */
export const READ_AHEAD = 1;

/**
 * The socket as chunks, read at leisure. The server writes row by row, and a reader that is always faster would spend
 * ten times the cost of a row on the system call and the event that bring it. So after two reads in short succession it
 * rests, the longer the more comes, and finds the kernel's buffer filled. A lone change is read at once. A chunk is valid only
 * until the call that brings it returns.
 *
 * Under TLS every row comes as a record and as a chunk of its own, however many the kernel has: there it never rests.
 */
export class Intake {
  readonly #socket: Socket;
  readonly #shortRest: NodeJS.Timeout;
  readonly #longRest: NodeJS.Timeout;
  readonly #rests: boolean;
  #held = false;
  #resting = false;
  #lastRead = 0;

  constructor(socket: Socket, onChunk: (chunk: Buffer) => void) {
    this.#socket = socket;
    this.#rests = !(socket instanceof TLSSocket);
    this.#shortRest = setTimeout(() => this.#wake(), REST_MS);
    this.#longRest = setTimeout(() => this.#wake(), BUSY_REST_MS);
    socket.on('data', (chunk: Buffer) => {
      this.#rest(chunk.length);
      onChunk(chunk);
    });
  }

  /** Reads no more (one chunk may still come) until `release`. */
  hold(): void {
    this.#held = true;
    this.#socket.pause();
  }

  release(): void {
    this.#held = false;
    if (!this.#resting && this.#socket.isPaused()) this.#socket.resume();
  }

  /** Reads on without rest and without anyone listening, so that the end of the connection is seen. */
  close(): void {
    clearTimeout(this.#shortRest);
    clearTimeout(this.#longRest);
    this.#socket.removeAllListeners('data');
    this.#socket.resume();
  }

  #rest(bytes: number): void {
    if (!this.#rests) return;
    const now = performance.now();
    const soon = now - this.#lastRead < BUSY_REST_MS + REST_MS;
    this.#lastRead = now;
    if (bytes >= FULL_READ || !soon || this.#resting) return;
    this.#resting = true;
    this.#socket.pause();
    (bytes < BUSY_READ ? this.#shortRest : this.#longRest).refresh();
  }

  #wake(): void {
    this.#resting = false;
    if (!this.#held && this.#socket.isPaused()) this.#socket.resume();
  }
}
