import { invariant } from '../../base/errors.ts';
import { OP_LETTERS, Op } from '../../record/batch.ts';
import type { ConnectHeader, ConnectRecord } from '../../record/connect-record.ts';
import type { ConnectList, ConnectSchema, ConnectValue } from '../../record/connect-schema.ts';
import type { EventField, EventForm } from '../../record/event.ts';
import { makeHole, type Place } from '../../record/hole.ts';

/** What decides of which parts an event consists. */
export interface EventKind {
  readonly op: number;
  readonly before: boolean;
  readonly after: boolean;
  readonly transaction: boolean;
  /** Half of a change of the key: what leaves the old key, what comes under the new one; each names the other's key. */
  readonly moved: 'no' | 'away' | 'here';
}

/** The parts that all events of a table share: who finds one of these lists in a record can write it as a whole. */
export interface EventParts {
  readonly before: ConnectList;
  readonly after: ConnectList;
  readonly keyBefore: ConnectList;
  readonly keyAfter: ConnectList;
  readonly source: ConnectList;
  readonly transaction: ConnectList;
}

/** The events of one table with holes for what differs from row to row. */
export class EventSketches {
  readonly parts: EventParts;
  readonly #form: EventForm;
  readonly #headers: readonly ConnectHeader[];

  /** @param headers of all events: `__debezium.context.*`, or none */
  constructor(form: EventForm, headers: readonly ConnectHeader[]) {
    this.#form = form;
    this.#headers = headers;
    const image = (which: 'row' | 'key', image: 'before' | 'after', fields: readonly EventField[]) =>
      fields.map(({ schema }, field) => makeHole({ in: which, image, field }, schema));
    this.parts = {
      before: image('row', 'before', form.fields),
      after: image('row', 'after', form.fields),
      keyBefore: image('key', 'before', form.keyFields),
      keyAfter: image('key', 'after', form.keyFields),
      source: block('source', form.envelope),
      transaction: block('transaction', form.envelope),
    };
  }

  /** The record of an event, as `TableRecords` makes it of a row. */
  event(kind: EventKind): ConnectRecord {
    const { topic, key: keySchema, envelope: valueSchema } = this.#form;
    const key = kind.op === Op.truncate || keySchema === null ? null : this.#key(kind.after);
    return {
      topic,
      partition: null,
      keySchema: key === null ? null : keySchema,
      key,
      valueSchema,
      value: valueSchema.fields!.map(({ name, schema }) => this.#field(name, schema, kind)),
      timestampMs: null,
      headers: this.#headersOf(kind),
    };
  }

  #key(hasAfter: boolean): ConnectList {
    return hasAfter ? this.parts.keyAfter : this.parts.keyBefore;
  }

  #headersOf({ op, moved, after }: EventKind): readonly ConnectHeader[] {
    if (op === Op.message) return [];
    // A list of its own: a delete and its tombstone have one in common, and by that they are known (transform/shared-headers.ts).
    if (moved === 'no') return [...this.#headers];
    const name = moved === 'away' ? '__debezium.newkey' : '__debezium.oldkey';
    return [{ name, schema: this.#form.key, value: this.#key(!after) }, ...this.#headers];
  }

  #field(name: string, schema: ConnectSchema, { op, before, after, transaction }: EventKind): ConnectValue {
    const { parts } = this;
    switch (name) {
      case 'before':
        return before ? parts.before : null;
      case 'after':
      case 'message':
        return after ? parts.after : null;
      case 'source':
        return parts.source;
      case 'transaction':
        return transaction ? parts.transaction : null;
      case 'op':
        return OP_LETTERS[op];
      case 'ts_ms':
        return makeHole({ in: 'clock', unit: 'ms' }, schema);
      case 'ts_us':
        return makeHole({ in: 'clock', unit: 'us' }, schema);
      case 'ts_ns':
        return makeHole({ in: 'clock', unit: 'ns' }, schema);
      default:
        invariant(false, 'an envelope has known fields', { name });
    }
  }
}

/** Goes behind a delete, and has its key and headers. */
export function tombstoneOf(event: ConnectRecord): ConnectRecord {
  return { ...event, valueSchema: null, value: null };
}

function block(name: 'source' | 'transaction', envelope: ConnectSchema): ConnectList {
  const schema = envelope.fields!.find((field) => field.name === name)?.schema;
  const place = (field: number): Place => ({ in: name, field });
  return (schema?.fields ?? []).map((field, i) => makeHole(place(i), field.schema));
}
