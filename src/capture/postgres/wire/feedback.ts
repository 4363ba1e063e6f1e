import type { Socket } from 'node:net';
import { type Lsn, maxLsn } from '../lsn.ts';
import { statusUpdate } from './frames.ts';

/**
 * While it catches up the server asks for an answer many times a second; it needs one within its timeout, which is
 * seconds.
 */
const REPLY_MS = 100;

/**
 * Our side of the replication protocol: status updates, by a timer whatever the reading does, and when asked for. A
 * socket that is not read hides the server's requests from us, but not our answers from it (P-2).
 */
export class Feedback {
  readonly #socket: Socket;
  readonly #timer: NodeJS.Timeout;
  readonly #reply: NodeJS.Timeout;
  #replying = false;
  #received: Lsn;
  #flushed: Lsn;

  constructor(socket: Socket, from: Lsn, intervalMs: number, tick: () => void) {
    this.#socket = socket;
    this.#received = from;
    this.#flushed = from;
    this.#timer = setInterval(() => {
      this.send();
      tick();
    }, intervalMs);
    this.#reply = setTimeout(() => this.#answer(), REPLY_MS);
    this.send();
  }

  received(lsn: Lsn): void {
    this.#received = maxLsn(this.#received, lsn);
  }

  /** Durable everywhere: the server may forget what ends at or before `lsn`. */
  flushed(lsn: Lsn): void {
    if (lsn <= this.#flushed) return;
    this.#flushed = lsn;
    this.send();
  }

  /** The server asks for an update; it gets one soon. */
  requested(): void {
    if (this.#replying) return;
    this.#replying = true;
    this.#reply.refresh();
  }

  send(): void {
    this.#socket.write(statusUpdate(maxLsn(this.#received, this.#flushed), this.#flushed, Date.now()));
  }

  close(): void {
    clearInterval(this.#timer);
    clearTimeout(this.#reply);
    this.#replying = true;
  }

  #answer(): void {
    if (!this.#replying) return;
    this.#replying = false;
    this.send();
  }
}
