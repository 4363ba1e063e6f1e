import { once } from 'node:events';

/** Open or closed; who finds it closed waits. */
export class Gate {
  #closed: boolean;
  readonly #events = new EventTarget();

  constructor(closed: boolean) {
    this.#closed = closed;
  }

  get closed(): boolean {
    return this.#closed;
  }

  close(): void {
    this.#closed = true;
  }

  open(): void {
    this.#closed = false;
    this.#events.dispatchEvent(new Event('open'));
  }

  /** Resolves when the gate is open; rejects when `signal` aborts. */
  async opened(signal: AbortSignal): Promise<void> {
    while (this.#closed) await once(this.#events, 'open', { signal });
  }
}
