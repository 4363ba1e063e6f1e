import { randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { splitList } from '../../../base/config.ts';
import { javaRegex } from '../../../base/java-regex.ts';
import type { Log } from '../../../base/log.ts';
import type { ChangeBatch } from '../../../record/batch.ts';
import type { Reread } from '../../source.ts';
import { textAt } from '../codecs/text.ts';

/** A signal as Debezium's signal table, file and topic carry it. */
export interface Signal {
  readonly id: string;
  readonly type: string;
  /** JSON text, '' where a type needs none. */
  readonly data: string;
  /** Called when what it asks for is part of the progress that offsets keep, or nothing came of it. */
  readonly obeyed?: () => void;
}

/** Ids of signals that this process gives itself. */
const OWN_SIGNAL = 'icestream-';

/** Whether `Source.reread` has made it. */
export function isOwnSignal({ id }: Signal): boolean {
  return id.startsWith(OWN_SIGNAL);
}

/** `Source.reread` as a signal. */
export function snapshotSignal(tables: readonly string[], how: Reread): Signal {
  return {
    id: `${OWN_SIGNAL}${randomUUID()}`,
    type: 'execute-snapshot',
    data: JSON.stringify({
      'data-collections': tables.map((name) => `\\Q${name}\\E`),
      type: how === 'replace' ? 'blocking' : 'incremental',
      'unless-pending': how === 'finish',
    }),
  };
}

/** A row of the signal table, as it was written or as it was before it was deleted. */
export function signalOfRow(batch: ChangeBatch, row: number): Signal {
  const first = batch.after[row] >= 0 ? batch.after[row] : batch.before[row];
  const { columns } = batch.tables[batch.tableOf[row]];
  const text = (column: number) => {
    const length = batch.cellLength[first + column] ?? -1;
    const start = batch.cellStart[first + column];
    return column >= columns.length || length < 0 ? '' : textAt(batch.bytes, start, start + length);
  };
  return { id: text(0), type: text(1), data: text(2) };
}

/** What a signal asks for. */
export type Order =
  | {
      readonly kind: 'execute';
      readonly id: string;
      readonly requests: readonly SnapshotRequest[];
      /** Not asked for by a user. */
      readonly isOwn: boolean;
      /** Not for tables that are waiting or being read already. */
      readonly unlessPending: boolean;
    }
  /** Whole tables in place of what is there, while the stream waits. */
  | { readonly kind: 'replace'; readonly id: string; readonly tables: readonly RegExp[] }
  /** Null: all tables. */
  | { readonly kind: 'stop'; readonly tables: readonly RegExp[] | null }
  | { readonly kind: 'pause' | 'resume' }
  | { readonly kind: 'log'; readonly message: string };

/** Tables to read again, by pattern. */
export interface SnapshotRequest {
  /** As the signal has it. */
  readonly name: string;
  readonly tables: RegExp;
  /** SQL condition, '' for all rows. */
  readonly condition: string;
  /** Column that chunks go along, '' for the primary key. */
  readonly surrogateKey: string;
}

interface ExecuteData {
  readonly 'data-collections'?: unknown;
  readonly type?: unknown;
  readonly 'additional-conditions'?: unknown;
  readonly 'additional-condition'?: unknown;
  readonly 'surrogate-key'?: unknown;
  readonly 'unless-pending'?: unknown;
}

/**
 * The order in a signal; null, with a line in the log, for one that says nothing we know: a typing error must not stop
 * the stream.
 */
export function orderOf(signal: Signal, isOwn: boolean, log: Log): Order | null {
  try {
    return parseOrder(signal, isOwn, log);
  } catch (error) {
    log.warn({ id: signal.id, type: signal.type, error }, 'signal cannot be understood and is ignored');
    return null;
  }
}

function parseOrder(signal: Signal, isOwn: boolean, log: Log): Order | null {
  const data = (signal.data.trim() === '' ? {} : JSON.parse(signal.data)) as ExecuteData & {
    message?: unknown;
  };
  switch (signal.type) {
    case 'execute-snapshot':
      return parseExecute(signal.id, data, isOwn, log);
    case 'stop-snapshot': {
      const names = textList(data['data-collections']);
      return { kind: 'stop', tables: names.length === 0 ? null : names.map(tablePattern) };
    }
    case 'pause-snapshot':
      return { kind: 'pause' };
    case 'resume-snapshot':
      return { kind: 'resume' };
    case 'log':
      return { kind: 'log', message: typeof data.message === 'string' ? data.message : '' };
    case 'snapshot-window-open':
    case 'snapshot-window-close':
      return null;
    default:
      log.warn({ id: signal.id, type: signal.type }, 'signal of an unknown type is ignored');
      return null;
  }
}

function parseExecute(id: string, data: ExecuteData, isOwn: boolean, log: Log): Order {
  const names = textList(data['data-collections']);
  if (names.length === 0) throw new Error('data-collections names no table');
  const type = typeof data.type === 'string' ? data.type.toLowerCase() : 'incremental';
  if (type !== 'incremental' && type !== 'blocking')
    throw new Error('type is neither incremental nor blocking');
  const conditions = conditionsOf(data);
  const common = data['additional-condition'] as string | undefined;
  if (type === 'blocking') {
    if (conditions.length === 0 && !common)
      return { kind: 'replace', id, tables: names.map((name) => tablePattern(name)) };
    // A part of a table must not take the place of the whole one.
    log.info({ id }, 'a blocking snapshot with conditions runs as an incremental one, beside the stream');
  }
  const surrogateKey = typeof data['surrogate-key'] === 'string' ? data['surrogate-key'] : '';
  const requests = names.map((name) => {
    const tables = tablePattern(name);
    const own = conditions.find(({ table }) => table === name || tables.test(table));
    return {
      name,
      tables,
      condition: own?.filter ?? common ?? '',
      surrogateKey,
    };
  });
  return { kind: 'execute', id, requests, isOwn, unlessPending: isOwn && data['unless-pending'] === true };
}

function conditionsOf(data: ExecuteData): { table: string; filter: string }[] {
  const list = data['additional-conditions'];
  if (!Array.isArray(list)) return [];
  return list.map((entry: Record<string, unknown>) => ({
    table: String(entry['data-collection'] ?? ''),
    filter: String(entry['filter'] ?? ''),
  }));
}

function textList(value: unknown): string[] {
  if (typeof value === 'string') return splitList(value);
  return Array.isArray(value) ? value.map(String) : [];
}

/** Names may be quoted as SQL quotes them; matched like include lists. */
function tablePattern(name: string): RegExp {
  return javaRegex(name.replaceAll('"', ''), { anchored: true, ignoreCase: true });
}

/**
 * The file channel: one JSON object a line. What was read is removed, as Debezium does; a line that cannot be parsed
 * is logged and removed as well, else it would be read for ever.
 */
export async function* fileSignals(
  path: string,
  intervalMs: number,
  log: Log,
  signal: AbortSignal,
): AsyncGenerator<Signal> {
  while (!signal.aborted) {
    const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return '';
      throw error;
    });
    if (text.trim() !== '') {
      await writeFile(path, '');
      for (const line of text.split('\n')) {
        const parsed = line.trim() === '' ? null : parseSignal(line, 'line of the signal file', log);
        if (parsed !== null) yield parsed;
      }
    }
    await sleep(intervalMs, undefined, { signal }).catch(() => {});
  }
}

/** A signal as one JSON object; null, with a line in the log, for text that is none. */
export function parseSignal(line: string, what: string, log: Log): Signal | null {
  try {
    const { id, type, data } = JSON.parse(line) as Record<string, unknown>;
    const text = typeof data === 'string' ? data : data === undefined ? '' : JSON.stringify(data);
    return { id: String(id ?? ''), type: String(type ?? ''), data: text };
  } catch (error) {
    // The parser's own words quote what it read.
    const reason = error instanceof SyntaxError ? 'no JSON object' : String(error);
    log.warn({ reason }, `${what} cannot be understood and is ignored`);
    return null;
  }
}
