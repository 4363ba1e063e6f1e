import { randomUUID } from 'node:crypto';
import type { Client } from 'pg';
import { IcestreamError } from '../../base/errors.ts';
import { failpoint } from '../../base/failpoint.ts';
import type { Log } from '../../base/log.ts';
import type { PostgresConfig } from './config.ts';
import { type ConnectOptions, connectReplication } from './connection.ts';
import { formatLsn, LSN_NONE, type Lsn, parseLsn } from './lsn.ts';
import { PostgresOffset } from './offset.ts';
import { ensurePublication } from './publication.ts';
import type { ServerFacts } from './server.ts';
import {
  advanceSlot,
  type CreatedSlot,
  createSlot,
  dropSlot,
  isUsable,
  readSlot,
  requireOurs,
  resumeAt,
  type SlotState,
  slotLost,
} from './slot.ts';
import type { SnapshotDecision } from './snapshot-mode.ts';
import type { Tables } from './tables.ts';

export interface Prepared {
  /** Where streaming begins, or where the snapshot stands. */
  readonly start: PostgresOffset;
  readonly snapshot: boolean;
  /** Of a slot made here; its session is `holder`, which must live until the snapshot is read. */
  readonly exportedSnapshot: string | null;
  /** What `exportedSnapshot` holds: exactly the transactions that committed before. */
  readonly snapshotPoint: Lsn;
  readonly holder: Client | null;
}

export interface PrepareOptions {
  readonly client: Client;
  readonly server: ServerFacts;
  readonly config: PostgresConfig;
  readonly connection: ConnectOptions;
  readonly tables: Tables;
  readonly from: PostgresOffset | null;
  readonly decision: SnapshotDecision;
  readonly epoch: number;
  readonly log: Log;
}

/** Publication and slot as the configuration wants them, and from what the slot has, where to begin. */
export async function prepare(options: PrepareOptions, signal: AbortSignal): Promise<Prepared> {
  const { client, config, decision, from } = options;
  if (!decision.stream) return withoutSlot(options);
  const captured = await options.tables.captured();
  const created = await ensurePublication(
    client,
    {
      name: config['publication.name'],
      mode: config['publication.autocreate.mode'],
      viaPartitionRoot: config['publish.via.partition.root'],
      tables: captured.map(({ schema, name }) => ({ schema, table: name })),
    },
    options.log,
  );
  let slot = await readSlot(client, config['slot.name']);
  if (slot !== null) requireOurs(slot, options.server.database);
  if (slot === null || !isUsable(slot)) return withNewSlot(options, slot, signal);
  if (created) {
    // The server refuses, or passes over, changes from before the publication was made.
    await advanceSlot(client, slot.name);
    slot = (await readSlot(client, slot.name))!;
  }
  const { snapshot } = decision;
  if (from === null || (snapshot && !decision.resume)) {
    const start = beginning(options, slot.confirmedLsn!, snapshot);
    return snapshot ? besideSlot(options, start, signal) : existing(start, false);
  }
  try {
    const start = resumeAt(from, slot, config['offset.mismatch.strategy'], options.log);
    return snapshot ? await besideSlot(options, start, signal) : existing(start, false);
  } catch (error) {
    if (!decision.snapshotOnLoss || !isLoss(error)) throw error;
    options.log.warn({ error }, 'changes are missing, the tables are read again');
    return besideSlot(options, beginning(options, slot.confirmedLsn!, true), signal);
  }
}

/**
 * A snapshot while the slot exists already. It is that of a temporary slot, because a slot's snapshot alone says exactly
 * which transactions it holds: of a table without a key the log must repeat none of them and leave none out (P-4).
 */
async function besideSlot(
  options: PrepareOptions,
  start: PostgresOffset,
  signal: AbortSignal,
): Promise<Prepared> {
  const name = `icestream_${randomUUID().replaceAll('-', '')}`;
  const { created, holder } = await createHeldSlot(options, name, true, signal);
  return {
    start,
    snapshot: true,
    exportedSnapshot: created.snapshot,
    snapshotPoint: created.consistentPoint,
    holder,
  };
}

/** A snapshot alone: no slot, no publication. The log's position serves as the offset. */
async function withoutSlot(options: PrepareOptions): Promise<Prepared> {
  const { from, decision } = options;
  if (decision.resume && from !== null) return existing(from, decision.snapshot);
  const { rows } = await options.client.query<{ lsn: string }>(
    'SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END::text AS lsn',
  );
  return existing(beginning(options, parseLsn(rows[0].lsn), decision.snapshot), decision.snapshot);
}

async function withNewSlot(
  options: PrepareOptions,
  lost: SlotState | null,
  signal: AbortSignal,
): Promise<Prepared> {
  const { config, decision, from, log } = options;
  const name = config['slot.name'];
  const streamed = from !== null && !from.initialSnapshot;
  if (streamed && !decision.snapshot && !decision.snapshotOnLoss) throw slotLost(name, lost);
  const snapshot = decision.snapshot || streamed;
  if (lost !== null) {
    log.warn({ slot: name, walStatus: lost.walStatus }, 'the slot has lost its log and is made anew');
    await dropSlot(options.client, name);
  }
  const { created, holder } = await createHeldSlot(options, name, false, signal);
  log.info({ slot: name, lsn: formatLsn(created.consistentPoint) }, 'replication slot created');
  failpoint('snapshot.slot-created');
  const start = beginning(options, created.consistentPoint, snapshot);
  if (snapshot) {
    const snapshotPoint = created.consistentPoint;
    return { start, snapshot, exportedSnapshot: created.snapshot, snapshotPoint, holder };
  }
  await holder.end();
  return existing(start, false);
}

/** A snapshot of its own, as exact as a slot's: that of a temporary slot, which ends with `close`. */
export async function holdSnapshot(
  options: SlotOptions,
  signal: AbortSignal,
): Promise<{ readonly name: string; readonly point: Lsn; close(): Promise<void> }> {
  const name = `icestream_${randomUUID().replaceAll('-', '')}`;
  const { created, holder } = await createHeldSlot(options, name, true, signal);
  const close = () => holder.end().catch(() => {});
  return { name: created.snapshot, point: created.consistentPoint, close };
}

type SlotOptions = Pick<PrepareOptions, 'connection' | 'config' | 'server' | 'log'>;

async function createHeldSlot(
  { connection, config, server, log }: SlotOptions,
  name: string,
  temporary: boolean,
  signal: AbortSignal,
): Promise<{ created: CreatedSlot; holder: Client }> {
  const holder = await connectReplication(connection, signal);
  const cancel = () => void holder.end().catch(() => {});
  signal.addEventListener('abort', cancel, { once: true });
  try {
    const created = await createSlot(holder, name, {
      serverVersion: server.version,
      failover: config['slot.failover'],
      temporary,
      onWait: (seconds) =>
        log.warn(
          { slot: name, seconds },
          'the slot waits until the transactions that were running have ended',
        ),
    });
    return { created, holder };
  } catch (error) {
    await holder.end().catch(() => {});
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', cancel);
  }
}

function existing(start: PostgresOffset, snapshot: boolean): Prepared {
  return { start, snapshot, exportedSnapshot: null, snapshotPoint: LSN_NONE, holder: null };
}

function beginning(options: PrepareOptions, lsn: Lsn, initialSnapshot: boolean): PostgresOffset {
  return new PostgresOffset({
    epoch: options.from?.epoch ?? options.epoch,
    lsn,
    txId: null,
    timestampMicros: 0,
    initialSnapshot,
    progress: null,
    mayExistUntil: LSN_NONE,
  });
}

function isLoss(error: unknown): boolean {
  return error instanceof IcestreamError && error.code === 'postgres.offset-gap';
}
