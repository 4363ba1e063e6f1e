import type { Log } from '../../base/log.ts';
import { postgresError } from './failure.ts';
import type { Queries } from './pg-catalog.ts';

/**
 * Runs `heartbeat.action.query` every `heartbeat.interval.ms` while streaming. A failure is logged and the next beat
 * tries again: the query serves the user's own ends, the slot advances without it (P-2).
 */
export function startHeartbeat(queries: Queries, query: string, intervalMs: number, log: Log): () => void {
  let running = false;
  const timer = setInterval(() => {
    if (running) return;
    running = true;
    queries
      .query(query)
      .catch((error) =>
        log.warn({ error: postgresError(error, 'heartbeat failed') }, 'heartbeat.action.query failed'),
      )
      .finally(() => {
        running = false;
      });
  }, intervalMs);
  return () => clearInterval(timer);
}
