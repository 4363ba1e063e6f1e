import type { Producer } from '../../kafka/producer.ts';
import { type ChangeBatch, Op, type TransactionMark } from '../../record/batch.ts';
import type { ConnectHeader, ConnectRecord, RecordTransform } from '../../record/connect-record.ts';
import { EventClock } from '../../record/envelope.ts';
import type { EventForm, EventForms } from '../../record/event.ts';
import type { TableSchema } from '../../record/table.ts';
import type { RecordErrors } from './errors.ts';
import { planEvents } from './event-plan.ts';
import { GuardedEvents } from './guarded-events.ts';
import { rowUnchanged } from './key-changed.ts';
import { PublishedBefore, type PublishedRows } from './open-transaction.ts';
import { RecordEncoder } from './record-encoder.ts';
import { RecordSender } from './record-sender.ts';
import type { PartWriters } from './record-writer.ts';
import type { RowContext } from './row-context.ts';
import { SchemaWriters } from './schema-writers.ts';
import { type Part, SnapshotMarkers } from './snapshot-markers.ts';
import type { EventConverters, RecordTarget } from './table-events.ts';
import { TableRecords } from './table-records.ts';
import { Transactions } from './transactions.ts';

export interface PublisherOptions {
  readonly forms: EventForms;
  readonly converters: EventConverters;
  /** `__debezium.context.*`, or none. */
  readonly headers: readonly ConnectHeader[];
  readonly tombstones: boolean;
  readonly skippedOps: ReadonlySet<number>;
  /** Leaves out updates that change nothing of what is captured. */
  readonly skipsUnchanged: boolean;
  /** With `provide.transaction.metadata`. */
  readonly transactionTopic: string | null;
  /** The configured transforms, or null. */
  readonly transform: RecordTransform | null;
  /** What becomes of records that cannot be transformed, converted or sent. */
  readonly errors: RecordErrors;
  readonly producer: Producer;
  /** Of a transaction that is read again: these rows are counted, and not sent. */
  readonly published: PublishedRows | null;
  readonly signal: AbortSignal;
}

/** How one version of a table goes out. */
interface Route {
  readonly form: EventForm;
  /** It is to be made anew for the next batch. */
  readonly isPassing: boolean;
  /** What has to be waited for before the next row; null: nothing. */
  write(batch: ChangeBatch, row: number, context: RowContext): Promise<void> | null;
}

/** Rows between two looks at the room that is left. */
const ROWS_AT_ONCE = 256;
/** A snapshot's next row, or its table's end, comes within moments unless nobody reads any more. */
const HOLD_MS = 500;

/** Rows in, records out to the producer, in order. */
export class Publisher {
  readonly #options: PublisherOptions;
  readonly #target: RecordTarget;
  readonly #sender: RecordSender;
  readonly #writers: PartWriters;
  readonly #clock = new EventClock();
  readonly #routes = new Map<TableSchema, Route>();
  readonly #prepared = new Set<string>();
  readonly #parts: Part[] = [];
  readonly #markers = new SnapshotMarkers((part) => {
    part.batch.lease.hold();
    this.#parts.push(part);
  });
  /** What transforms are to be applied to, and what is no row. */
  readonly #records: ConnectRecord[] = [];
  readonly #transactions: Transactions | null;
  #nowMillis = 0;
  #sending: Promise<void> = Promise.resolve();
  #onTaken: (() => void) | null = null;
  #transaction: TransactionMark | null = null;
  #published: PublishedBefore | null;
  #isMute = false;

  constructor(options: PublisherOptions) {
    this.#options = options;
    const { producer, converters, transactionTopic, published } = options;
    this.#published = published === null ? null : new PublishedBefore(published);
    this.#target = {
      send: (topic, key, value, own, partition, head) => {
        if (!this.#isMute) producer.send(topic, key, value, own, this.#nowMillis, partition, head);
      },
    };
    this.#writers = {
      key: new SchemaWriters(converters.key),
      value: new SchemaWriters(converters.value),
      header: new SchemaWriters(converters.header),
    };
    this.#sender = new RecordSender({
      transform: options.transform,
      errors: options.errors,
      encoder: new RecordEncoder(converters, this.#writers, this.#target),
      prepare: (topic) => (this.#prepared.has(topic) ? null : this.#prepare(topic)),
    });
    const publish = (record: ConnectRecord) => this.#records.push(record);
    this.#transactions = transactionTopic === null ? null : new Transactions(transactionTopic, publish);
  }

  /** A record that is none of a row's. */
  publish(record: ConnectRecord): Promise<void> {
    return this.#inTurn(async () => {
      this.#nowMillis = Date.now();
      this.#records.push(record);
      await this.#sendRecords();
    });
  }

  take(batch: ChangeBatch): Promise<void> {
    this.#markers.take(batch);
    this.#onTaken?.();
    return this.#inTurn(async () => {
      await this.#sendParts();
      if (batch.offset !== null) this.#endTransaction();
      await this.#sendRecords();
    });
  }

  /** Sends the row that is held back, unless what follows it comes soon and says what it is. */
  async flush(signal: AbortSignal): Promise<void> {
    const { held } = this.#markers;
    if (held !== null) await this.#released(held, signal);
    if (held !== null && this.#markers.held === held) this.#markers.flush();
    return this.#inTurn(() => this.#sendParts());
  }

  /** Resolves when `held` is held back no more, at the latest after `HOLD_MS`. */
  #released(held: object, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        this.#onTaken = null;
        resolve();
      };
      const timer = setTimeout(end, HOLD_MS);
      signal.addEventListener('abort', end, { once: true });
      this.#onTaken = () => {
        if (this.#markers.held !== held) end();
      };
    });
  }

  /** A commit may flush while a batch is being taken: one after the other, or records would change places. */
  #inTurn(send: () => Promise<void>): Promise<void> {
    this.#sending = this.#sending.then(send);
    return this.#sending;
  }

  async #prepare(topic: string): Promise<void> {
    if (this.#prepared.has(topic)) return;
    await this.#options.producer.prepare(topic, this.#options.signal);
    this.#prepared.add(topic);
  }

  async #sendParts(): Promise<void> {
    const { producer } = this.#options;
    for (const part of this.#parts.splice(0)) {
      const { batch } = part;
      const routes: Route[] = [];
      for (const table of batch.tables) routes.push(await this.#routeOf(table));
      this.#setClock();
      for (let row = part.from; row < part.to; row += ROWS_AT_ONCE) {
        await this.#sendRows(part, routes, row, Math.min(part.to, row + ROWS_AT_ONCE));
        const room = producer.room();
        if (room !== null) await room;
      }
      batch.lease.release();
    }
  }

  async #sendRows(part: Part, routes: readonly Route[], from: number, to: number): Promise<void> {
    const { batch, first, rest } = part;
    const { skippedOps, skipsUnchanged } = this.#options;
    const transactions = this.#transactions;
    const plain = { snapshot: rest, transaction: null };
    for (let row = from; row < to; row++) {
      if (this.#published !== null && this.#published.has(batch, row) !== this.#isMute) await this.#turn();
      const op = batch.op[row];
      // Of an update that changes the key Debezium skips the parts, each by what it is.
      const isSkipped = skippedOps.has(op) && op !== Op.update;
      if (isSkipped && transactions === null) continue;
      const route = routes[batch.tableOf[row]];
      const ownContext = row === part.from ? { snapshot: first, transaction: null } : plain;
      const isInTransaction = transactions !== null && rest === 'false' && markOf(batch, row).id !== '';
      const context = isInTransaction ? this.#inTransaction(transactions, batch, row, route) : ownContext;
      // Its transaction begins and ends nevertheless.
      if (isSkipped) continue;
      if (skipsUnchanged && op === Op.update && rowUnchanged(batch, row, route.form)) continue;
      const wait = route.write(batch, row, context);
      if (wait !== null) await wait;
    }
    await this.#sendRecords();
    if (this.#published?.isOver) {
      this.#published = null;
      this.#isMute = false;
    }
  }

  /** What was published before takes its way, so that events are counted, up to where it would be sent. */
  async #turn(): Promise<void> {
    await this.#sendRecords();
    this.#isMute = !this.#isMute;
  }

  #inTransaction(transactions: Transactions, batch: ChangeBatch, row: number, { form }: Route): RowContext {
    const mark = markOf(batch, row);
    if (mark !== this.#transaction) {
      this.#endTransaction();
      this.#transaction = mark;
      const id = form.transactionId(batch, row);
      transactions.begin(id, Math.floor(mark.timestampMicros / 1000));
    }
    return {
      snapshot: 'false',
      transaction: () =>
        transactions.event(form.transactionId(batch, row), form.nextCollection?.() ?? form.collection),
    };
  }

  #endTransaction(): void {
    const mark = this.#transaction;
    if (mark === null) return;
    this.#transaction = null;
    const id = this.#options.forms.transactionEnd(mark);
    this.#transactions?.end(id, Math.floor(mark.timestampMicros / 1000));
  }

  /** All records that are there, in order; null: they are sent. */
  #sendRecords(): Promise<void> | null {
    return this.#records.length === 0 ? null : this.#sender.send(this.#records.splice(0));
  }

  async #routeOf(table: TableSchema): Promise<Route> {
    let route = this.#routes.get(table);
    if (route === undefined) route = await this.#newRoute(table);
    if (!route.isPassing) this.#routes.set(table, route);
    return route;
  }

  async #newRoute(table: TableSchema): Promise<Route> {
    const { forms, headers, tombstones, skippedOps, transform } = this.#options;
    const form = forms.of(table);
    const clock = this.#clock;
    const makeRecords = () => new TableRecords(table, form, { headers, tombstones, skippedOps, clock });
    const transactions = this.#transactions !== null;
    const plan = this.#needsRecords
      ? null
      : planEvents(form, { headers, tombstones, transactions, transform });
    if (plan === null) return this.#slowRoute(makeRecords());
    const options = { plan, writers: this.#writers, clock, skippedOps };
    const events = await GuardedEvents.open(table, form, options, makeRecords, this.#target);
    for (const topic of events.topics) await this.#prepare(topic);
    return {
      form,
      isPassing: events.isPassing,
      write: (batch, row, context) => {
        const left = events.write(batch, row, context);
        if (left === null) return null;
        this.#records.push(...left);
        return this.#sendRecords();
      },
    };
  }

  /** S-3: what cannot be planned is made into records. */
  #slowRoute(records: TableRecords): Route {
    return {
      form: records.form,
      isPassing: false,
      write: (batch, row, context) => {
        records.write(batch, row, context, this.#records);
        return this.#sendRecords();
      },
    };
  }

  get #needsRecords(): boolean {
    const { key, value } = this.#options.converters;
    return key.wholeRecords === true || value.wholeRecords === true;
  }

  #setClock(): void {
    this.#nowMillis = Date.now();
    // The clock has milliseconds; what it lacks counts on from there, as Java's does.
    this.#clock.set(BigInt(this.#nowMillis) * 1_000_000n + (process.hrtime.bigint() % 1_000_000n));
  }
}

function markOf({ transactions, transactionOf }: ChangeBatch, row: number): TransactionMark {
  return transactions[transactionOf[row]];
}
