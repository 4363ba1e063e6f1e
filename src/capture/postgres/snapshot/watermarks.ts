import type { Client } from 'pg';
import { quoteIdentifier } from '../sql.ts';

/** Prefix of our own logical messages. */
export const MESSAGE_PREFIX = 'icestream';

export type WatermarkKind = 'low' | 'high';

/** Writes the marks around a chunk into the log, where the stream meets them in commit order. */
export interface Watermarks {
  write(client: Client, kind: WatermarkKind, window: string): Promise<void>;
}

/** Logical messages need no table and no right to write one. In a transaction, so that they reach the log at once. */
export const messageWatermarks: Watermarks = {
  async write(client, kind, window) {
    await client.query('SELECT pg_catalog.pg_logical_emit_message(true, $1, $2::text)', [
      MESSAGE_PREFIX,
      `${kind} ${window}`,
    ]);
  },
};

/** Reads what `messageWatermarks` writes; null for other messages of ours. */
export function parseWatermark(content: Uint8Array): { kind: WatermarkKind; window: string } | null {
  const match = /^(low|high) (.+)$/.exec(Buffer.from(content).toString('utf8'));
  return match === null ? null : { kind: match[1] as WatermarkKind, window: match[2] };
}

/** Rows of the signal table, as Debezium writes them: consumers of that table's topic know them. */
export function signalTableWatermarks(table: string, deleteOnClose: boolean): Watermarks {
  const name = table.split('.').slice(-2).map(quoteIdentifier).join('.');
  let opened = '';
  return {
    async write(client, kind, window) {
      const now = instantText();
      if (kind === 'low') {
        opened = now;
        await insert(client, `${window}-open`, 'snapshot-window-open', `{"openWindowTimestamp": "${now}"}`);
      } else if (deleteOnClose) {
        await client.query(`DELETE FROM ${name} WHERE id = $1`, [`${window}-open`]);
      } else {
        const data = `{"openWindowTimestamp": "${opened}", "closeWindowTimestamp": "${now}"}`;
        await insert(client, `${window}-close`, 'snapshot-window-close', data);
      }
    },
  };

  async function insert(client: Client, id: string, type: string, data: string): Promise<void> {
    await client.query(`INSERT INTO ${name} VALUES ($1, $2, $3)`, [id, type, data]);
  }
}

/** Now, to the nanosecond, as Java prints it. */
function instantText(): string {
  const beyond = String(process.hrtime.bigint() % 1_000_000n).padStart(6, '0');
  return new Date().toISOString().replace('Z', `${beyond}Z`);
}

/** The same from a row of the signal table: `open` or `close` by its id, or the open row's deletion. */
export function watermarkOfRow(
  id: string,
  isDelete: boolean,
): { kind: WatermarkKind; window: string } | null {
  const match = /^(.+)-(open|close)$/.exec(id);
  if (match === null) return null;
  return { kind: match[2] === 'open' && !isDelete ? 'low' : 'high', window: match[1] };
}
