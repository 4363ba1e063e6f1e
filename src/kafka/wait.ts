import { setTimeout as delay } from 'node:timers/promises';

/** What `promise` gives, unless the signal comes first: then its reason is thrown and the promise left to itself. */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) {
    promise.catch(() => {}); // Whoever waited has gone.
    throw signal.reason;
  }
  return await new Promise<T>((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

/** Waits before attempt `attempt` (from 1) is repeated: longer each time, and not the same for all who wait. */
export async function backOff(attempt: number, signal: AbortSignal): Promise<void> {
  await delay(backOffMs(attempt), undefined, { signal });
}

const FIRST_MS = 50;
const LONGEST_MS = 1000;

export function backOffMs(attempt: number): number {
  const most = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt, 10));
  return most * (0.5 + Math.random() / 2);
}
