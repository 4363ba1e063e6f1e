import type { Client } from 'pg';
import type { Log } from '../../base/log.ts';
import { postgresError } from './failure.ts';

export interface HeartbeatOptions {
  /** `heartbeat.action.query`. */
  readonly query: string;
  /** `heartbeat.interval.ms`, above 0. */
  readonly intervalMs: number;
  readonly connect: (signal: AbortSignal) => Promise<Client>;
  readonly log: Log;
}

/**
 * Runs the query with every heartbeat while streaming, on a connection of its own. A failure is logged and the next beat
 * tries again, on a new connection where that was lost: the query serves the user's own ends, the slot advances without
 * it (P-2). A beat that comes while the one before still runs is left out.
 *
 * @returns what ends it
 */
export function startHeartbeat(options: HeartbeatOptions): () => Promise<void> {
  const stop = new AbortController();
  let client: Client | null = null;
  let running: Promise<void> | null = null;
  const beat = async () => {
    try {
      client ??= await connected(options, stop.signal, () => {
        client = null;
      });
      await client.query(options.query);
    } catch (error) {
      if (stop.signal.aborted) return;
      const failure = postgresError(error, 'heartbeat failed');
      options.log.error({ error: failure }, 'heartbeat.action.query failed');
    }
  };
  const timer = setInterval(() => {
    running ??= beat().finally(() => {
      running = null;
    });
  }, options.intervalMs);
  return async () => {
    clearInterval(timer);
    stop.abort();
    await client?.end().catch(() => {});
    await running;
    await client?.end().catch(() => {});
  };
}

async function connected(options: HeartbeatOptions, signal: AbortSignal, lost: () => void): Promise<Client> {
  const client = await options.connect(signal);
  client.once('end', lost);
  return client;
}
