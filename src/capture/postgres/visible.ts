import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from 'pg';

/** Transaction ids wrap around at this: pgoutput sends the lower half of what snapshots hold. */
const XIDS = 1n << 32n;
const LOOK_MS = 2;
/** A commit that waits for a synchronous standby may wait for us, which would never end. */
const LIMIT_MS = 1_000;

/**
 * Waits until others see what a transaction did. The server sends a transaction when its commit is in the log, and lets
 * others see it a moment later, or much later on a busy machine: who asks the catalog in between finds a table as it was
 * before. Gives up after a second.
 *
 * @param xid of the top-level transaction, as in pgoutput's Begin.
 */
export async function untilVisible(client: Client, xid: number, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + LIMIT_MS;
  while (!(await isVisible(client, BigInt(xid))) && performance.now() < deadline)
    await sleep(LOOK_MS, undefined, { signal });
}

/** https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-PG-SNAPSHOT */
async function isVisible(client: Client, xid: bigint): Promise<boolean> {
  const { rows } = await client.query<{ snapshot: string }>('SELECT pg_current_snapshot()::text AS snapshot');
  const [, xmax, running] = rows[0]!.snapshot.split(':') as [string, string, string];
  if (BigInt.asIntN(32, xid - BigInt(xmax)) >= 0n) return false;
  return !running.split(',').some((it) => it !== '' && BigInt(it) % XIDS === xid);
}
