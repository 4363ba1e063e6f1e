import type { IcestreamError } from '../../base/errors.ts';
import type { Producer } from '../../kafka/producer.ts';
import { type ChangeBatch, Op, type TransactionMark } from '../../record/batch.ts';
import type { ConnectHeader, ConnectRecord } from '../../record/connect-record.ts';
import type { EventForm, EventForms } from '../../record/event.ts';
import type { TableSchema } from '../../record/table.ts';
import type { RecordErrors } from './errors.ts';
import { StageFailure } from './errors-stage.ts';
import { GuardedEvents } from './guarded-events.ts';
import type { Header } from './headers.ts';
import { RecordEncoder } from './record-encoder.ts';
import type { RowContext } from './row-context.ts';
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
  /** With `provide.transaction.metadata`. */
  readonly transactionTopic: string | null;
  /** The configured transforms, or null: then no record is ever made of a row. */
  readonly transform: RecordTransform | null;
  /** What becomes of records that cannot be transformed, converted or sent. */
  readonly errors: RecordErrors;
  readonly producer: Producer;
  readonly signal: AbortSignal;
}

export type RecordTransform = (record: ConnectRecord) => ConnectRecord | null;

/** How one version of a table goes out. */
interface Route {
  readonly form: EventForm;
  /** It is to be made anew for the next batch. */
  readonly isPassing: boolean;
  setClock(nanos: bigint): void;
  /** True: there are records of this row that must be sent before the next. */
  write(batch: ChangeBatch, row: number, context: RowContext): boolean;
}

/** Rows between two looks at the room that is left. */
const ROWS_AT_ONCE = 256;
/** A snapshot's next row, or its table's end, comes within moments unless nobody reads any more. */
const HOLD_MS = 500;

/** Rows in, records out to the producer, in order. */
export class Publisher {
  readonly #options: PublisherOptions;
  readonly #target: RecordTarget;
  readonly #encoder: RecordEncoder;
  readonly #fixedHeaders: readonly Header[];
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

  private constructor(options: PublisherOptions, headers: readonly Header[]) {
    this.#options = options;
    this.#fixedHeaders = headers;
    const { producer, converters } = options;
    this.#target = {
      send: (topic, key, value, own, partition) =>
        producer.send(topic, key, value, own, this.#nowMillis, partition),
    };
    this.#encoder = new RecordEncoder(converters, this.#target);
    const { transactionTopic } = options;
    const publish = (record: ConnectRecord) => this.#records.push(record);
    this.#transactions = transactionTopic === null ? null : new Transactions(transactionTopic, publish);
  }

  static async open(options: PublisherOptions): Promise<Publisher> {
    const { headers, converters, forms } = options;
    const fixed: Header[] = [];
    for (const { name, schema, value } of headers)
      fixed.push({ name, value: await converters.header.convert(forms.prefix, schema, value) });
    return new Publisher(options, fixed);
  }

  /** A record that is none of a row's. */
  publish(record: ConnectRecord): Promise<void> {
    return this.#inTurn(() => {
      this.#nowMillis = Date.now();
      this.#records.push(record);
      return this.#sendRecords();
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
      this.#setClock(routes);
      for (let row = part.from; row < part.to; ) {
        row = this.#sendRows(part, routes, row, Math.min(part.to, row + ROWS_AT_ONCE));
        if (this.#records.length > 0) await this.#sendRecords();
        const room = producer.room();
        if (room !== null) await room;
      }
      batch.lease.release();
    }
  }

  /** The row to go on with. */
  #sendRows(part: Part, routes: readonly Route[], from: number, to: number): number {
    const { batch, first, rest } = part;
    const { skippedOps } = this.#options;
    const transactions = this.#transactions;
    const plain = { snapshot: rest, transaction: null };
    for (let row = from; row < to; row++) {
      const op = batch.op[row];
      // Of an update that changes the key Debezium skips the parts, each by what it is.
      if (skippedOps.has(op) && op !== Op.update) continue;
      const route = routes[batch.tableOf[row]];
      const ownContext = row === part.from ? { snapshot: first, transaction: null } : plain;
      const isInTransaction = transactions !== null && rest === 'false' && markOf(batch, row).id !== '';
      const context = isInTransaction ? this.#inTransaction(transactions, batch, row, route) : ownContext;
      if (route.write(batch, row, context)) return row + 1;
    }
    return to;
  }

  #inTransaction(transactions: Transactions, batch: ChangeBatch, row: number, { form }: Route): RowContext {
    const mark = markOf(batch, row);
    if (mark !== this.#transaction) {
      this.#endTransaction();
      this.#transaction = mark;
      const id = form.transactionId(batch, row);
      transactions.begin(id, Math.floor(mark.timestampMicros / 1000));
    }
    const { collection } = form;
    return {
      snapshot: 'false',
      transaction: () => transactions.event(form.transactionId(batch, row), collection),
    };
  }

  #endTransaction(): void {
    const mark = this.#transaction;
    if (mark === null) return;
    this.#transaction = null;
    const id = this.#options.forms.transactionEnd(mark);
    this.#transactions?.end(id, Math.floor(mark.timestampMicros / 1000));
  }

  async #sendRecords(): Promise<void> {
    for (const record of this.#records.splice(0)) {
      const sinceMs = performance.now();
      for (let attempt = 1; ; attempt++) {
        try {
          await this.#sendRecord(record);
          break;
        } catch (error) {
          if (await this.#options.errors.isLeftOut(error, record, attempt, sinceMs)) break;
        }
      }
    }
  }

  async #sendRecord(record: ConnectRecord): Promise<void> {
    const transformed = this.#transformed(record);
    if (transformed === null) return;
    await this.#prepare(transformed.topic);
    await this.#encoder.send(transformed);
  }

  #transformed(record: ConnectRecord): ConnectRecord | null {
    const { transform } = this.#options;
    try {
      return transform === null ? record : transform(record);
    } catch (error) {
      const className = String((error as Partial<IcestreamError>).context?.['class']);
      throw new StageFailure('TRANSFORMATION', className, error);
    }
  }

  async #routeOf(table: TableSchema): Promise<Route> {
    let route = this.#routes.get(table);
    if (route === undefined) route = await this.#newRoute(table);
    if (!route.isPassing) this.#routes.set(table, route);
    return route;
  }

  async #newRoute(table: TableSchema): Promise<Route> {
    const { forms, converters, headers, tombstones, skippedOps, transform } = this.#options;
    const form = forms.of(table);
    if (transform !== null || converters.key.wholeRecords || converters.value.wholeRecords) {
      const records = new TableRecords(table, form, headers, tombstones, skippedOps);
      return {
        form,
        isPassing: false,
        setClock: (nanos) => records.setClock(nanos),
        write: (batch, row, context) => {
          records.write(batch, row, context, this.#records);
          return false;
        },
      };
    }
    await this.#prepare(form.topic);
    const contextHeaders = this.#fixedHeaders;
    const options = { converters, contextHeaders, recordHeaders: headers, tombstones, skippedOps };
    const events = await GuardedEvents.open(table, form, options, this.#target);
    return {
      form,
      isPassing: events.isPassing,
      setClock: (nanos) => events.setClock(nanos),
      write: (batch, row, context) => {
        const left = events.write(batch, row, context);
        if (left !== null) this.#records.push(...left);
        return left !== null;
      },
    };
  }

  #setClock(routes: readonly Route[]): void {
    this.#nowMillis = Date.now();
    // The clock has milliseconds; what it lacks counts on from there, as Java's does.
    const nanos = BigInt(this.#nowMillis) * 1_000_000n + (process.hrtime.bigint() % 1_000_000n);
    for (const route of routes) route.setClock(nanos);
  }
}

function markOf({ transactions, transactionOf }: ChangeBatch, row: number): TransactionMark {
  return transactions[transactionOf[row]];
}
