/**
 * What may differ between two recordings of one scenario:
 *
 * - the topic prefix, wherever it stands as a name;
 * - clock times, numbers and ISO texts that lie within the recording. Their unit, the form of the text and whether there is
 *   one still count; a time that an hour's shift of zones moved lies outside and counts as it is;
 * - ids that the server or the run gave: LSNs, transaction ids, run ids, ids of snapshot windows and of notifications,
 *   Java's object ids. They
 *   become a placeholder and a reference; references of a class must correspond one to one (relations.ts), so that a
 *   transaction id that is right in form but another event's shows.
 */
export interface Masked {
  readonly text: string;
  readonly references: readonly Reference[];
}

export interface Reference {
  readonly class: IdClass;
  readonly value: string;
}

/**
 * An event's LSN, that of a chunk of an incremental snapshot, the end of a commit (first half of `sequence`, and END of a
 * transaction) and the LSN in a BEGIN are classes of their own: whether they coincide depends on what else the server
 * writes to its log. `commit time` is the
 * microsecond of a streamed event's commit, `snapshot time` that of a snapshot.
 */
export type IdClass =
  | 'lsn'
  | 'commit lsn'
  | 'begin lsn'
  | 'chunk lsn'
  | 'transaction'
  | 'commit time'
  | 'snapshot time'
  | 'run'
  | 'window'
  | 'notification'
  | 'object';

/** Classes whose ids grow: growing ids on one side must not go with falling ones on the other. */
export const GROWING: readonly IdClass[] = [
  'lsn',
  'commit lsn',
  'begin lsn',
  'chunk lsn',
  'transaction',
  'commit time',
];

/** What a record is, as far as the meaning of its ids depends on it; a boundary is a begin or an end without a value. */
export type RecordKind = 'begin' | 'end' | 'boundary' | 'streamed' | 'snapshot' | 'incremental' | 'other';

/** Between the clocks of the recorder and of the servers, on one machine. */
const CLOCK_SLACK_MS = 5_000;
const UNITS: readonly (readonly [string, bigint, bigint])[] = [
  // Unit, and how many of it are a millisecond, as a fraction.
  ['s', 1n, 1_000n],
  ['ms', 1n, 1n],
  ['us', 1_000n, 1n],
  ['ns', 1_000_000n, 1n],
];
const ISO = /(\d{4}-\d\d-\d\d)([T ])(\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:?\d\d)?/g;
const WINDOW_ID = /([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(-open|-close)/g;
/** `package.Class@hash`, and `[B@hash` of a byte array. */
const OBJECT_ID = /^([a-z]+(?:\.\w+)+[\w$]*|\[B)@([0-9a-f]{1,8})$/;
/** Numbers of a CloudEvent's attributes, which are texts. */
const CLOUD_EVENT_NUMBER = /^iodebezium(lsn|txId|xmin|tsms|tsus|tsns)$/;
const CLOCK_NUMBER = /^\d{10,19}$/;
const UUID = /^("?)([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\1$/;

export class Mask {
  readonly #prefix: RegExp;
  /** The prefix as `avro_unicode` writes it, where that is something else. */
  readonly #adjusted: string | null;
  readonly #low: bigint;
  readonly #high: bigint;

  constructor(prefix: string, started: number, ended: number) {
    const name = prefix.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    this.#prefix = new RegExp(`(?<![A-Za-z0-9_])${name}(?![A-Za-z0-9_])`, 'g');
    const adjusted = prefix.replaceAll('_', '_u005f');
    this.#adjusted = adjusted === prefix ? null : adjusted;
    this.#low = BigInt(started - CLOCK_SLACK_MS);
    this.#high = BigInt(ended + CLOCK_SLACK_MS);
  }

  /** The text with `<prefix>` for the topic prefix. */
  names(text: string): string {
    const plain = text.replace(this.#prefix, '<prefix>');
    return this.#adjusted === null ? plain : plain.replaceAll(this.#adjusted, '<prefix adjusted>');
  }

  /** @param token the number as written. Null where it counts as it is. */
  number(kind: RecordKind, path: readonly string[], token: string): Masked | null {
    if (!/^\d+$/.test(token)) return null;
    const field = sourceField(path);
    if (field === 'lsn' && token !== '0')
      return placeholder('number', [{ class: lsnClass(kind), value: token }]);
    if ((field === 'txId' || field === 'xmin') && token !== '0')
      return placeholder('number', [{ class: 'transaction', value: token }]);
    const unit = this.#clockUnit(token);
    if (unit === null) return null;
    const time = field === 'ts_us' ? timeClass(kind) : null;
    return { text: `<${unit}>`, references: time === null ? [] : [{ class: time, value: token }] };
  }

  /**
   * @param token the string as written, with its quotes, or a header's text; what is not masked stays in its notation.
   * @param value what it says.
   */
  string(kind: RecordKind, path: readonly string[], token: string, value: string): Masked | null {
    const name = path.at(-1);
    const run = name === '__debezium.context.runId' ? UUID.exec(value) : null;
    if (run !== null) return placeholder(`${run[1]}uuid${run[1]}`, [{ class: 'run', value: run[2]! }]);
    if (sourceField(path) === 'sequence') return sequence(kind, value);
    if (isTransactionId(kind, path)) {
      const masked = transactionId(kind, value);
      if (masked !== null) return masked;
    }
    // Headers made of a number of the source block are texts of it, and so are a CloudEvent's attributes.
    const isNumber = sourceField(path) !== null || CLOCK_NUMBER.test(value);
    if ((path[0] === 'headers' && isNumber) || CLOUD_EVENT_NUMBER.test(name ?? ''))
      return this.number(kind, path, value);
    const event = path.join('.') === 'value.id' ? cloudEventId(kind, value) : null;
    if (event !== null) return { ...event, text: this.names(event.text) };
    const notification = isRecordId(path) ? UUID.exec(value) : null;
    if (notification !== null) return placeholder('"uuid"', [{ class: 'notification', value }]);
    const object = OBJECT_ID.exec(value);
    if (object !== null) return placeholder(`text ${object[1]}`, [{ class: 'object', value: object[2]! }]);
    return this.#within(token);
  }

  /** Times and ids of snapshot windows within a text, null when there are none. */
  #within(token: string): Masked | null {
    const references: Reference[] = [];
    const text = token
      .replace(ISO, (all, date: string, separator: string, time: string, _: string, zone = '') =>
        this.#contains(`${date}T${time}${zone === '' ? 'Z' : zone}`) ? `<time${separator}${zone}>` : all,
      )
      .replace(WINDOW_ID, (_, value: string, end: string) => {
        references.push({ class: 'window', value: value + end });
        return `<window${end}>`;
      });
    return text === token ? null : { text: this.names(text), references };
  }

  #contains(iso: string): boolean {
    const time = Date.parse(iso.replace(/([+-]\d\d)(\d\d)$/, '$1:$2'));
    return !Number.isNaN(time) && BigInt(time) >= this.#low && BigInt(time) <= this.#high;
  }

  #clockUnit(token: string): string | null {
    if (token.length < 10 || token.length > 19) return null;
    const value = BigInt(token);
    const found = UNITS.find(
      ([, times, per]) => value * per >= this.#low * times && value * per <= this.#high * times,
    );
    return found?.[0] ?? null;
  }
}

/**
 * A field of the source block, also where a transform has moved it out: `__source_lsn` and `__lsn` (with any prefix of
 * underscores), `source_lsn` and `source.lsn`; `iodebeziumlsn` in a CloudEvent. Null for any other.
 */
function sourceField(path: readonly string[]): string | null {
  const name = path.at(-1)!.replace('iodebeziumtsus', 'iodebeziumts_us');
  const moved = /^(?:_+(?:source_)?|source[_.]|meta\.|iodebezium)(lsn|txId|xmin|sequence|ts_us)$/.exec(name);
  if (moved !== null) return moved[1]!;
  return path.at(-2) === 'source' && path[0] === 'value' ? name : null;
}

/** The `id` of a record itself, in key or value, with or without its schema around it. */
function isRecordId(path: readonly string[]): boolean {
  return /^(key|value)(\.payload)?\.id$/.test(path.join('.'));
}

function isTransactionId(kind: RecordKind, path: readonly string[]): boolean {
  const name = path.at(-1)!;
  if (/^((_*|h-)transaction[_.]id|iodebeziumtxid)$/.test(name)) return true;
  return name === 'id' && (BOUNDARIES.has(kind) || path.at(-2) === 'transaction');
}

const BOUNDARIES: ReadonlySet<RecordKind> = new Set(['begin', 'end', 'boundary']);

/** Rows of an incremental snapshot are read at times of their own, which say nothing of one another. */
function timeClass(kind: RecordKind): IdClass | null {
  if (kind === 'streamed') return 'commit time';
  return kind === 'snapshot' ? 'snapshot time' : null;
}

function lsnClass(kind: RecordKind): IdClass {
  return kind === 'incremental' ? 'chunk lsn' : 'lsn';
}

/** `["<end of the last commit or null>","<lsn>"]` in a text. */
function sequence(kind: RecordKind, value: string): Masked | null {
  const parts = /^\[(null|"(\d+)"),"(\d+)"\]$/.exec(value);
  if (parts === null) return null;
  const lsn: Reference = { class: lsnClass(kind), value: parts[3]! };
  if (parts[2] === undefined) return placeholder('sequence of null', [lsn]);
  return placeholder('sequence', [{ class: 'commit lsn', value: parts[2] }, lsn]);
}

/** `<transaction>:<lsn>`; the LSN is the event's in an event, the commit's in an END. */
function transactionId(kind: RecordKind, value: string): Masked | null {
  const parts = /^(\d+):(\d+)$/.exec(value);
  if (parts === null) return null;
  const transaction: Reference = { class: 'transaction', value: parts[1]! };
  if (kind === 'boundary') return placeholder('text and lsn', [transaction]);
  const lsn: IdClass = kind === 'begin' ? 'begin lsn' : kind === 'end' ? 'commit lsn' : 'lsn';
  return placeholder('text', [transaction, { class: lsn, value: parts[2]! }]);
}

/** `name:<prefix>;lsn:<lsn>;txId:<transaction>;sequence:<sequence>`; a snapshot's chunk has neither LSN nor transaction. */
function cloudEventId(kind: RecordKind, value: string): Masked | null {
  const parts = /^(name:.*;)lsn:(\d+|null);txId:(\d+|null);sequence:(.*)$/.exec(value);
  const ends = parts && sequence(kind, parts[4]!);
  if (parts === null || ends === null) return null;
  const lsn: Reference = { class: lsnClass(kind), value: parts[2]! };
  const transaction: Reference = { class: 'transaction', value: parts[3]! };
  const own = [lsn, transaction].filter((it) => it.value !== 'null');
  const text = `${parts[1]}${placeholder('id of', own).text};${ends.text}`;
  return { text, references: [...own, ...ends.references] };
}

function placeholder(form: string, references: readonly Reference[]): Masked {
  return { text: `<${form} ${references.map((it) => it.class).join(', ')}>`, references };
}
