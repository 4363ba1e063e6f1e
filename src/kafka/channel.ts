import type { Socket } from 'node:net';

/**
 * Large requests over a connection that the library has opened and logged in. It would join each request into one new
 * buffer, half a megabyte of garbage for every batch; here the parts go to the socket as they are. The library keeps its
 * own requests on the same connection: answers are told apart by their correlation ids, of which ours have bit 30 set.
 */
export class Channel {
  readonly #socket: Socket;
  readonly #clientId: Buffer;
  readonly #timeoutMs: number;
  readonly #library: (chunk: Buffer) => void;
  readonly #requests = new Map<number, Request>();
  #count = 0;
  #received: Buffer[] = [];
  #receivedBytes = 0;
  #neededBytes = LENGTH_BYTES;

  /** Nothing of ours is on its way yet, and nothing of the library's half received. */
  constructor(socket: Socket, clientId: string, timeoutMs: number) {
    this.#socket = socket;
    this.#clientId = Buffer.from(clientId);
    this.#timeoutMs = timeoutMs;
    this.#library = socket.listeners('data')[0] as (chunk: Buffer) => void;
    socket.removeListener('data', this.#library);
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.once('close', () => this.#lost());
  }

  /** `done` gets the answer's body, after its header, or why there is none; never before `send` has returned. */
  send(apiKey: number, version: number, parts: readonly Buffer[], done: Done): void {
    if (this.#socket.destroyed) {
      queueMicrotask(() => done(new Error('the connection is closed'), null));
      return;
    }
    const id = OURS | (this.#count++ & (OURS - 1));
    const timer = setTimeout(() => this.#socket.destroy(), this.#timeoutMs);
    this.#requests.set(id, { done, timer });
    this.#socket.cork();
    this.#socket.write(this.#header(apiKey, version, id, parts));
    for (const part of parts) this.#socket.write(part);
    this.#socket.uncork();
  }

  /** `size INT32, api_key INT16, api_version INT16, correlation_id INT32, client_id NULLABLE_STRING` (header version 1). */
  #header(apiKey: number, version: number, id: number, parts: readonly Buffer[]): Buffer {
    const header = Buffer.allocUnsafe(14 + this.#clientId.length);
    let size = header.length - LENGTH_BYTES;
    for (const part of parts) size += part.length;
    header.writeInt32BE(size, 0);
    header.writeInt16BE(apiKey, 4);
    header.writeInt16BE(version, 6);
    header.writeInt32BE(id, 8);
    header.writeInt16BE(this.#clientId.length, 12);
    this.#clientId.copy(header, 14);
    return header;
  }

  #receive(chunk: Buffer): void {
    this.#received.push(chunk);
    this.#receivedBytes += chunk.length;
    if (this.#receivedBytes < this.#neededBytes) return;
    const bytes = this.#received.length === 1 ? chunk : Buffer.concat(this.#received);
    let at = 0;
    for (let end = frameEnd(bytes, at); end <= bytes.length; end = frameEnd(bytes, at)) {
      this.#answer(bytes.subarray(at, end));
      at = end;
    }
    const rest = bytes.subarray(at);
    this.#received = rest.length === 0 ? [] : [rest];
    this.#receivedBytes = rest.length;
    this.#neededBytes = frameEnd(rest, 0);
  }

  #answer(frame: Buffer): void {
    const id = frame.readInt32BE(LENGTH_BYTES);
    if ((id & OURS) === 0) {
      this.#library(frame);
      return;
    }
    const request = this.#requests.get(id);
    if (request === undefined) {
      this.#socket.destroy(new Error('an answer to nothing that was asked'));
      return;
    }
    this.#requests.delete(id);
    clearTimeout(request.timer);
    request.done(null, frame.subarray(ANSWER_HEADER_BYTES));
  }

  #lost(): void {
    const requests = [...this.#requests.values()];
    this.#requests.clear();
    for (const { done, timer } of requests) {
      clearTimeout(timer);
      done(new Error('the connection was closed'), null);
    }
  }
}

type Done = (error: Error | null, body: Buffer | null) => void;

interface Request {
  readonly done: Done;
  readonly timer: NodeJS.Timeout;
}

const OURS = 0x40000000;
const LENGTH_BYTES = 4;
/** Length and correlation id. */
const ANSWER_HEADER_BYTES = 8;

/** Where the frame that begins at `at` ends; its length while that is not complete. */
function frameEnd(bytes: Buffer, at: number): number {
  return bytes.length - at < LENGTH_BYTES ? at + LENGTH_BYTES : at + LENGTH_BYTES + bytes.readInt32BE(at);
}
