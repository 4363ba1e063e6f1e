import { avroText } from './avro-text.ts';
import { type JsonNode, parseJson } from './json-text.ts';
import { Mask, type Masked, type RecordKind, type Reference } from './mask.ts';
import type { KafkaRecord, Recording } from './recording.ts';

/**
 * A record as it is compared. Two records are equal when their texts are and their references correspond; the leaves only
 * say where they differ.
 */
export interface MaskedRecord {
  readonly record: KafkaRecord;
  /** Prefix masked. */
  readonly topic: string;
  readonly key: string;
  /** Everything, byte for byte as written, but for the masked places. */
  readonly text: string;
  /** In the order of the text. */
  readonly references: readonly PlacedReference[];
  readonly leaves: ReadonlyMap<string, string>;
  /** The digits of clock times, by the path of their leaf; of a text those of its last time's nanoseconds. */
  readonly times: ReadonlyMap<string, string>;
}

export interface PlacedReference extends Reference {
  readonly path: string;
}

/** A value's bytes; a tombstone has none. */
const NO_BYTES = '(no bytes)';
const CLOCK = /^<(s|ms|us|ns)>$/;
const CLOCK_TEXT = /<time[T ]/;

export function maskRecords(recording: Recording): MaskedRecord[] {
  const { prefix, started, ended, schemas } = recording.about;
  const mask = new Mask(prefix, started, ended);
  return recording.records.map((record) => maskRecord(record, mask, schemas ?? {}));
}

function maskRecord(
  record: KafkaRecord,
  mask: Mask,
  schemas: Readonly<Record<string, unknown>>,
): MaskedRecord {
  const valueText = bytesText(record.valueRaw, record.valueB64, schemas);
  const parts = new Parts(mask, recordKind(record.topic, valueText ?? ''));
  const key = parts.add('key', bytesText(record.keyRaw, record.keyB64, schemas));
  const value = parts.add('value', valueText);
  const headers = record.headers.map(([name, text]) => parts.header(name, text));
  parts.leaves.set('headers', record.headers.map(([name]) => name).join(' '));
  const time = mask.number('other', ['timestamp'], String(record.timestamp))?.text ?? record.timestamp;
  parts.leaves.set('timestamp', `type ${record.timestampType} ${time}`);
  return {
    record,
    topic: mask.names(record.topic),
    key,
    text: [key, value, ...headers, parts.leaves.get('timestamp')].join('\n'),
    references: parts.references,
    leaves: parts.leaves,
    times: parts.times,
  };
}

function recordKind(topic: string, value: string): RecordKind {
  if (/\.transaction$|-tx$/.test(topic)) {
    if (value === '') return 'boundary';
    return value.includes('"status":"END"') ? 'end' : 'begin';
  }
  const marker = /(?:"source":\{[^{}]*"|"iodebezium)snapshot":"(\w+)"/.exec(value)?.[1];
  if (marker === undefined) return 'other';
  if (marker === 'false') return 'streamed';
  return marker === 'incremental' ? 'incremental' : 'snapshot';
}

function bytesText(
  text: string | null | undefined,
  base64: string | undefined,
  schemas: Readonly<Record<string, unknown>>,
): string | null {
  if (base64 === undefined) return text == null ? null : sortedFacts(text);
  const bytes = Buffer.from(base64, 'base64');
  return avroText(bytes, schemas) ?? base64;
}

/** What a notification tells besides is a Java map whose order changes with every start of the worker. */
function sortedFacts(text: string): string {
  return text.replace(
    /("additional_data":\{)("[^{}]*")(\})/,
    (_, head: string, facts: string, tail: string) => {
      return (
        head +
        facts
          .split(/(?<="),(?=")/)
          .sort()
          .join(',') +
        tail
      );
    },
  );
}

/** Collects what is found while the parts of a record are walked through. */
class Parts {
  readonly leaves = new Map<string, string>();
  readonly times = new Map<string, string>();
  readonly references: PlacedReference[] = [];
  readonly #mask: Mask;
  readonly #kind: RecordKind;

  constructor(mask: Mask, kind: RecordKind) {
    this.#mask = mask;
    this.#kind = kind;
  }

  /** The part's masked text. */
  add(part: 'key' | 'value', text: string | null): string {
    const node = text === null ? null : parseJson(text);
    if (text !== null && node !== null) return new Walk(text, this).masked(node, part);
    const plain = text === null ? NO_BYTES : `text ${this.#structText(part, text)}`;
    this.leaves.set(part, plain);
    return plain;
  }

  /** Java's `Struct{a=1,b=Struct{c=x}}` cannot be taken apart for certain: what is masked is found by its name or form. */
  #structText(part: string, text: string): string {
    if (!text.startsWith('Struct{')) return this.#mask.names(text);
    const masked = text
      .replace(/\b(lsn|txId|xmin|ts_ms|ts_us|ts_ns)=(\d+)/g, (_, name: string, value: string) => {
        return `${name}=${this.number([part, 'source', name], value)}`;
      })
      .replace(/\bsequence=(\[[^\]]*\])/g, (_, value: string) => {
        return `sequence=${this.string([part, 'source', 'sequence'], value, value)}`;
      })
      .replace(/\bid=(\d+:\d+)/g, (_, value: string) => {
        return `id=${this.string([part, 'transaction', 'id'], value, value)}`;
      })
      .replace(/\[B@[0-9a-f]{1,8}/g, (value) => this.string([part], value, value));
    return this.string([part], masked, masked);
  }

  header(name: string, text: string | null): string {
    const value = text === null ? NO_BYTES : this.string(['headers', name], text, text);
    this.leaves.set(this.unused(`headers.${name}`), value);
    return `${name}: ${value}`;
  }

  string(path: readonly string[], token: string, value: string): string {
    const masked = this.#mask.string(this.#kind, path, token, value);
    return this.#keep(path, masked) ?? this.#mask.names(token);
  }

  number(path: readonly string[], token: string): string {
    return this.#keep(path, this.#mask.number(this.#kind, path, token)) ?? token;
  }

  names(text: string): string {
    return this.#mask.names(text);
  }

  /** A name that comes twice in an object, or among the headers, is a leaf of its own each time. */
  unused(path: string): string {
    let unused = path;
    for (let n = 2; this.leaves.has(unused); n++) unused = `${path}#${n}`;
    return unused;
  }

  #keep(path: readonly string[], masked: Masked | null): string | null {
    if (masked === null) return null;
    this.references.push(...masked.references.map((it) => ({ ...it, path: path.join('.') })));
    return masked.text;
  }
}

/** Walks through one document: every leaf is entered, and the text is put together again with the masked places. */
class Walk {
  readonly #text: string;
  readonly #parts: Parts;
  readonly #path: string[] = [];
  #done = 0;
  #masked = '';

  constructor(text: string, parts: Parts) {
    this.#text = text;
    this.#parts = parts;
  }

  masked(root: JsonNode, part: string): string {
    this.#path.push(part);
    this.#visit(root);
    return this.#masked + this.#parts.names(this.#text.slice(this.#done));
  }

  #visit(node: JsonNode): void {
    if (node.kind === 'object') this.#object(node.fields);
    else if (node.kind === 'array') this.#array(node.items);
    else this.#leaf(node, this.#replacement(node));
  }

  #object(fields: readonly { name: string; value: JsonNode }[]): void {
    if (fields.length === 0) this.#enter('{}');
    for (const field of fields) this.#below(field.name, field.value);
  }

  /** Items that name their field, as those of a schema do, are known by it: one that is missing does not shift the others. */
  #array(items: readonly JsonNode[]): void {
    const labels = items.map((item, index) => fieldName(item) ?? String(index));
    this.#enter(`[${labels.join(' ')}]`);
    for (const [index, item] of items.entries()) this.#below(`[${labels[index]}]`, item);
  }

  #below(name: string, node: JsonNode): void {
    this.#path.push(name);
    this.#visit(node);
    this.#path.pop();
  }

  #replacement(node: JsonNode): string {
    const token = this.#text.slice(node.start, node.end);
    if (node.kind === 'string') return this.#parts.string(this.#path, token, node.value);
    return node.kind === 'number' ? this.#parts.number(this.#path, token) : token;
  }

  #leaf(node: JsonNode, replacement: string): void {
    this.#masked += this.#parts.names(this.#text.slice(this.#done, node.start)) + replacement;
    this.#done = node.end;
    const path = this.#enter(replacement);
    const token = this.#text.slice(node.start, node.end);
    if (CLOCK.test(replacement)) this.#parts.times.set(path, token);
    if (CLOCK_TEXT.test(replacement)) this.#parts.times.set(path, nanoseconds(token));
  }

  /** Returns the leaf's path. */
  #enter(text: string): string {
    const path = this.#parts.unused(this.#parts.names(this.#path.join('.')));
    this.#parts.leaves.set(path, text);
    return path;
  }
}

function nanoseconds(text: string): string {
  const fractions = [...text.matchAll(/:\d\d(?:\.(\d{1,9}))?(?=\D)/g)];
  return (fractions.at(-1)?.[1] ?? '').padEnd(9, '0');
}

function fieldName(node: JsonNode): string | null {
  if (node.kind !== 'object') return null;
  const named = node.fields.find((it) => it.name === 'field');
  return named?.value.kind === 'string' ? named.value.value : null;
}
