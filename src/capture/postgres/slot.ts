import type { Client } from 'pg';
import { IcestreamError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { postgresError } from './failure.ts';
import { formatLsn, type Lsn, parseLsn } from './lsn.ts';
import type { PostgresOffset } from './offset.ts';
import type { Queries } from './pg-catalog.ts';
import { quoteIdentifier, quoteLiteral } from './sql.ts';

export interface SlotState {
  readonly name: string;
  readonly plugin: string;
  readonly database: string;
  readonly active: boolean;
  /** Null: the slot's WAL is gone. */
  readonly restartLsn: Lsn | null;
  /** Changes of transactions that end at or before this will not be sent again. */
  readonly confirmedLsn: Lsn | null;
  /** reserved, extended, unreserved or lost. */
  readonly walStatus: string;
}

export async function readSlot(queries: Queries, name: string): Promise<SlotState | null> {
  const { rows } = await queries
    .query<{
      plugin: string | null;
      database: string | null;
      active: boolean;
      restart: string | null;
      confirmed: string | null;
      status: string | null;
    }>(
      `SELECT plugin, database, active, restart_lsn::text AS restart, confirmed_flush_lsn::text AS confirmed,
         wal_status AS status FROM pg_catalog.pg_replication_slots WHERE slot_name = $1`,
      [name],
    )
    .catch((error) => {
      throw postgresError(error, 'cannot read the replication slots', { slot: name });
    });
  if (rows.length === 0) return null;
  const [row] = rows;
  return {
    name,
    plugin: row.plugin ?? '',
    database: row.database ?? '',
    active: row.active,
    restartLsn: row.restart === null ? null : parseLsn(row.restart),
    confirmedLsn: row.confirmed === null ? null : parseLsn(row.confirmed),
    walStatus: row.status ?? '',
  };
}

/** True where the slot exists and can still give what follows its confirmed position. */
export function isUsable(slot: SlotState): boolean {
  return slot.restartLsn !== null && slot.confirmedLsn !== null && slot.walStatus !== 'lost';
}

/** A slot of another plugin or database is somebody else's: it is never dropped, whatever the snapshot mode. */
export function requireOurs(slot: SlotState, database: string): void {
  if (slot.plugin === 'pgoutput' && slot.database === database) return;
  const what = slot.plugin === 'pgoutput' ? `database ${slot.database}` : `plugin ${slot.plugin || 'none'}`;
  throw new IcestreamError('config.invalid', `replication slot ${slot.name} exists for ${what}`, {
    context: { slot: slot.name, plugin: slot.plugin, database: slot.database },
    hint: 'Choose another slot.name, or drop that slot if nobody uses it.',
  });
}

export function slotLost(name: string, slot: SlotState | null): IcestreamError {
  const what = slot === null ? 'does not exist' : 'has lost the log that it kept (max_slot_wal_keep_size)';
  return new IcestreamError(
    'postgres.slot-lost',
    `replication slot ${name} ${what}, changes since the stored offset are missing`,
    {
      context: { slot: name, walStatus: slot?.walStatus },
    },
  );
}

export interface CreatedSlot {
  readonly consistentPoint: Lsn;
  /** Valid until the next command on, or the end of, the connection that created the slot. */
  readonly snapshot: string;
}

/** Waits until every transaction that runs now has ended. A temporary slot goes with its session. */
export async function createSlot(
  replication: Client,
  name: string,
  options: {
    readonly serverVersion: number;
    readonly failover: boolean;
    readonly temporary: boolean;
    /** The server waits until every transaction that runs has ended: called now and then while it does. */
    readonly onWait: (seconds: number) => void;
  },
): Promise<CreatedSlot> {
  const { serverVersion, temporary } = options;
  const failover = options.failover && !temporary && serverVersion >= 17 ? ", FAILOVER 'true'" : '';
  const modern = `(SNAPSHOT 'export'${failover})`;
  const kind = temporary ? 'TEMPORARY LOGICAL' : 'LOGICAL';
  const sql = `CREATE_REPLICATION_SLOT ${quoteIdentifier(name)} ${kind} pgoutput ${serverVersion >= 15 ? modern : 'EXPORT_SNAPSHOT'}`;
  const started = performance.now();
  const waiting = setInterval(
    () => options.onWait(Math.round((performance.now() - started) / 1000)),
    WAIT_NOTICE_MS,
  );
  try {
    const { rows } = await replication.query<{ consistent_point: string; snapshot_name: string }>(sql);
    return { consistentPoint: parseLsn(rows[0].consistent_point), snapshot: rows[0].snapshot_name };
  } catch (error) {
    const known = postgresError(error, 'cannot create the replication slot', { slot: name });
    if ((error as { code?: string }).code !== '53400') throw known;
    const hint = 'Drop replication slots that nobody reads, or raise max_replication_slots.';
    throw new IcestreamError(known.code, known.message, { cause: error, context: known.context, hint });
  } finally {
    clearInterval(waiting);
  }
}

const WAIT_NOTICE_MS = 10_000;

/** A slot that is not there any more is as good as dropped. */
export async function dropSlot(queries: Queries, name: string): Promise<void> {
  try {
    await queries.query(
      `SELECT pg_catalog.pg_drop_replication_slot(slot_name) FROM pg_catalog.pg_replication_slots
       WHERE slot_name = ${quoteLiteral(name)}`,
    );
  } catch (error) {
    throw postgresError(error, 'cannot drop the replication slot', { slot: name });
  }
}

/** To the end of the log: what lies between is given up. */
export async function advanceSlot(queries: Queries, name: string): Promise<void> {
  try {
    await queries.query(
      'SELECT pg_catalog.pg_replication_slot_advance($1, pg_catalog.pg_current_wal_lsn())',
      [name],
    );
  } catch (error) {
    throw postgresError(error, 'cannot advance the replication slot', { slot: name });
  }
}

export type MismatchStrategy = 'no_validation' | 'trust_offset' | 'trust_slot' | 'trust_greater_lsn';

/**
 * Where streaming really begins, given what was made durable and what the slot can still send.
 *
 * A slot ahead of the offset means that changes are gone for us: somebody else read the slot, advanced it or made it
 * anew. That is an error unless the strategy says to go on from the slot. A slot behind the offset is the usual case
 * after a crash: the server skips what the offset covers. `trust_slot` reads it again.
 */
export function resumeAt(
  offset: PostgresOffset,
  slot: SlotState,
  strategy: MismatchStrategy,
  log: Log,
): PostgresOffset {
  const confirmed = slot.confirmedLsn!;
  if (offset.lsn === 0n) return offset.with({ lsn: confirmed });
  if (confirmed > offset.lsn) {
    const context = { slot: slot.name, confirmed: formatLsn(confirmed), offset: formatLsn(offset.lsn) };
    if (strategy !== 'trust_slot' && strategy !== 'trust_greater_lsn') {
      throw new IcestreamError('postgres.offset-gap', 'the replication slot is ahead of the stored offset', {
        context,
      });
    }
    log.warn(context, 'the slot is ahead of the stored offset, going on from the slot as configured');
    return offset.with({ lsn: confirmed });
  }
  if (confirmed < offset.lsn && strategy === 'trust_slot') {
    return offset.with({ lsn: confirmed, mayExistUntil: offset.lsn });
  }
  return offset;
}
