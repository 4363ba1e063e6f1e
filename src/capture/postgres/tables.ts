import type { Client } from 'pg';
import type { Log } from '../../base/log.ts';
import type { CodecOptions } from './codecs/index.ts';
import type { PostgresConfig } from './config.ts';
import { readConstants } from './constants.ts';
import { postgresError } from './failure.ts';
import type { Filters } from './filters.ts';
import { partToRead, publishedPart } from './part-table.ts';
import type { TableCatalog } from './parts.ts';
import {
  type AttributeRow,
  type IndexColumns,
  type RelationRow,
  readAttributes,
  readIndexColumns,
  readLeaves,
  readPublishedColumns,
  readRelation,
  readRelations,
} from './pg-catalog.ts';
import { atTheTime, numbersOf, planOf, relationOf } from './relation-plan.ts';
import { alignColumns, buildTable, type ColumnFacts, incompleteKey, type PostgresTable } from './schema.ts';
import { signatureOf } from './table-version.ts';
import { loadTypes, type TypeCatalog } from './types.ts';
import { untilVisible } from './visible.ts';
import type { RelationMessage, RelationPlan } from './wire/relation.ts';

export interface TablesOptions {
  readonly config: PostgresConfig;
  readonly filters: Filters;
  /** A connection of our own, kept while it lasts. */
  readonly connect: (signal: AbortSignal) => Promise<Client>;
  /** `iceberg.table.<t>.id-columns` for `schema.table`, or null. */
  readonly keyOverride: (table: string) => readonly string[] | null;
  /**
   * True when a lake is among the sinks: a partitioned table is one table, and the key must be part of what a delete
   * carries. False: as Debezium does it.
   */
  readonly lake: boolean;
  /** True when Debezium's events are made beside a lake: then the parts of a partitioned table are tables, too. */
  readonly events: boolean;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Called when a streamed table changes, in log order, before the first row of the new version. */
  readonly onVersion?: (previous: PostgresTable, table: PostgresTable) => void;
}

/** A table in the order of discovery, as configured to be captured. */
export interface CapturedTable extends RelationRow {
  /** `schema.table`. */
  readonly fullName: string;
}

/** What can be named to be read. */
export interface ReadableTable {
  /** `schema.table`. */
  readonly fullName: string;
  /** What its rows are rows of in the stream: a part that is not published has the whole's. */
  readonly streamedAs: string;
}

/**
 * The captured tables as the database and the configuration describe them. Versions are numbered per run; what has not
 * changed stays the same object.
 */
export class Tables implements TableCatalog {
  readonly #options: TablesOptions;
  readonly #codecOptions: CodecOptions;
  /** Every version by oid and signature: the stream may be behind the catalog, and both must mean the same objects. */
  readonly #versions = new Map<number, Map<string, PostgresTable>>();
  /** What the stream was told last, or before its first message what the snapshot was. */
  readonly #streamed = new Map<number, PostgresTable>();
  readonly #warned = new Set<string>();
  /** Parts as they were last built, by oid. */
  readonly #parts = new Map<number, PostgresTable>();
  /** Tables with all that a snapshot reads of them, by what such a table is without its columns that the log does not carry. */
  readonly #read = new Map<PostgresTable, PostgresTable>();
  #client: Client | null = null;
  #types: TypeCatalog | null = null;
  /** One call at a time: constants are copied from the connection's socket. */
  #busy: Promise<unknown> = Promise.resolve();

  constructor(options: TablesOptions) {
    this.#options = options;
    this.#codecOptions = {
      hstoreHandlingMode: options.config['hstore.handling.mode'],
      moneyFractionDigits: options.config['money.fraction.digits'],
      includeUnknownDatatypes: options.config['include.unknown.datatypes'],
    };
  }

  /** What the filters select, before anything is known of the columns: what a publication must carry. */
  captured(): Promise<CapturedTable[]> {
    return this.#use((client) => this.#captured(client));
  }

  /** The captured tables with their columns, as the publication sends them. */
  discover(): Promise<PostgresTable[]> {
    return this.#use(async (client, types) => {
      const tables = await this.#allNow(client, types, true);
      for (const table of tables)
        if (!this.#streamed.has(table.oid)) this.#streamed.set(table.oid, table.logged ?? table);
      return tables;
    });
  }

  /** The same without a claim that the stream begins with these versions: it may be far behind. */
  present(): Promise<PostgresTable[]> {
    return this.#use((client, types) => this.#allNow(client, types));
  }

  /** What can be read by itself: the captured tables and, beside a lake, the captured parts of partitioned ones. */
  readable(): Promise<ReadableTable[]> {
    return this.#use(async (client) => {
      const tables = await this.#captured(client, true);
      const wholes = new Map(tables.map(({ oid, fullName }) => [oid, fullName]));
      const parts = (await this.#capturedParts(client)).map(({ fullName, root }) => {
        return { fullName, streamedAs: this.#publishesParts ? fullName : wholes.get(root)! };
      });
      return [...tables.map(({ fullName }) => ({ fullName, streamedAs: fullName })), ...parts];
    });
  }

  /** One that can be read, as it is now; null when there is none of this name. */
  find(fullName: string): Promise<PostgresTable | null> {
    return this.#use(async (client, types) => {
      const isIt = (candidate: CapturedTable) => candidate.fullName === fullName;
      const relation = (await this.#captured(client, true)).find(isIt);
      if (relation !== undefined) return this.#now(client, types, relation);
      const part = (await this.#capturedParts(client)).find(isIt);
      const root = part === undefined ? null : await readRelation(client, part.root);
      if (part === undefined || root === null) return null;
      const whole = await this.#now(client, types, root);
      if (!this.#publishesParts) return partToRead(whole, part);
      return this.#part(client, types, whole, part, (await this.#columnsNow(client, part)).logged);
    });
  }

  /** What rows of a table that was found are rows of in the stream. */
  streamedAs(table: PostgresTable): PostgresTable {
    return this.#publishesParts ? table : (table.whole ?? table);
  }

  /** The version that rows of the stream have at the moment; null before it was met or discovered. */
  streamed(oid: number): PostgresTable | null {
    return this.#streamed.get(oid) ?? null;
  }

  /** The table was read as a whole in this version: the next one is compared with it. */
  wasRead(table: PostgresTable): void {
    this.#streamed.set(table.oid, table);
  }

  relation(message: RelationMessage, xid = 0): Promise<RelationPlan | null> {
    return this.#use(async (client, types) => {
      if (xid !== 0) await untilVisible(client, xid, this.#options.signal);
      const own = (await readRelation(client, message.oid)) ?? relationOf(message);
      const target = await this.#targetOf(client, own, message);
      if (target === null) return null;
      // An enum may have grown and a composite changed since; built-in types are kept. Debezium keeps them all.
      if (this.#options.lake || this.#options.config['icestream.correct.values']) types.forgetUserTypes();
      const columns = await this.#columnsOf(client, target, message);
      const indexes = atTheTime(await readIndexColumns(client, target.oid), message, columns);
      const relation = { ...target, replicaIdentity: message.replicaIdentity };
      const table = await this.#version(client, types, relation, columns, indexes, true);
      const previous = this.#streamed.get(table.oid) ?? this.#namesake(table);
      this.#streamed.set(table.oid, table);
      if (previous !== undefined && previous !== table) this.#options.onVersion?.(previous, table);
      const parts = table.oid === message.oid ? null : await readLeaves(client, table.oid);
      const rowsOf = parts === null ? table : await this.#partOf(client, types, table, own, message);
      this.#streamed.set(rowsOf.oid, rowsOf);
      return planOf(
        rowsOf,
        message,
        parts,
        this.#options.filters.isSignalTable(message.schema, message.table),
      );
    });
  }

  /** Another table that had this name before: what the stream says of the name was said of that one. */
  #namesake({ name, oid }: PostgresTable): PostgresTable | undefined {
    for (const other of this.#streamed.values()) if (other.name === name && other.oid !== oid) return other;
    return undefined;
  }

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = null;
    await client?.end().catch(() => {});
  }

  async #allNow(client: Client, types: TypeCatalog, toRead = false): Promise<PostgresTable[]> {
    const tables: PostgresTable[] = [];
    for (const relation of await this.#captured(client, toRead))
      tables.push(await this.#now(client, types, relation, toRead));
    if (toRead && this.#publishesParts) tables.push(...(await this.#partsOf(client, types, tables)));
    return tables;
  }

  get #publishesParts(): boolean {
    const { lake, events, config } = this.#options;
    return lake && events && !config['publish.via.partition.root'];
  }

  /** The captured parts of partitioned tables, for a snapshot: Debezium reads them beside the whole. */
  async #partsOf(
    client: Client,
    types: TypeCatalog,
    tables: readonly PostgresTable[],
  ): Promise<PostgresTable[]> {
    const parts: PostgresTable[] = [];
    for (const relation of await this.#capturedParts(client)) {
      const whole = tables.find(({ oid }) => oid === relation.root)!;
      const { logged, generated } = await this.#columnsNow(client, relation);
      const columns = this.#readsGenerated ? [...logged, ...generated] : logged;
      parts.push(await this.#part(client, types, whole, relation, columns));
    }
    return parts;
  }

  /** Parts of what is one table in the lake. */
  async #capturedParts(client: Client): Promise<CapturedTable[]> {
    const { filters, lake } = this.#options;
    const relations = lake ? await readRelations(client) : [];
    const isCaptured = ({ schema, name }: RelationRow) => filters.table(schema, name);
    const wholes = new Set(relations.filter(isCaptured).map(({ oid }) => oid));
    return relations
      .filter((relation) => relation.kind === 'r' && wholes.has(relation.root) && isCaptured(relation))
      .map(named);
  }

  /** What rows of a partition are rows of: itself where it is published, else the whole. */
  async #partOf(
    client: Client,
    types: TypeCatalog,
    whole: PostgresTable,
    own: RelationRow,
    message: RelationMessage,
  ): Promise<PostgresTable> {
    const { schema, table: name, replicaIdentity } = message;
    if (!this.#publishesParts || !this.#options.filters.table(schema, name)) return whole;
    const relation = { ...own, schema, name, replicaIdentity };
    const columns = await this.#columnsOf(client, relation, message);
    return this.#part(client, types, whole, relation, columns);
  }

  /** A partition that is published by itself. */
  async #part(
    client: Client,
    types: TypeCatalog,
    whole: PostgresTable,
    relation: RelationRow,
    columns: readonly ColumnFacts[],
  ): Promise<PostgresTable> {
    const indexes = await readIndexColumns(client, relation.oid);
    const own = await this.#version(client, types, relation, columns, indexes);
    const known = this.#parts.get(relation.oid);
    if (known !== undefined && known.whole === whole && known.version === own.version) return known;
    const made = publishedPart(whole, own);
    this.#parts.set(relation.oid, made);
    return made;
  }

  /** `toRead`: by a snapshot, in which Debezium has partitioned tables beside their partitions. */
  async #captured(client: Client, toRead = false): Promise<CapturedTable[]> {
    const { filters, lake } = this.#options;
    const relations = await readRelations(client);
    const selected = new Set(
      relations.filter(({ schema, name }) => filters.table(schema, name)).map(({ oid }) => oid),
    );
    return relations
      .filter(({ oid, root }) => selected.has(oid) && !(lake && root !== 0 && selected.has(root)))
      .filter(
        ({ kind }) => lake || toRead || kind === 'r' || this.#options.config['publish.via.partition.root'],
      )
      .map(named);
  }

  /** The table whose rows these are: the partitioned one where it is captured as one, else the message's own. */
  async #targetOf(client: Client, own: RelationRow, message: RelationMessage): Promise<RelationRow | null> {
    const { filters, lake } = this.#options;
    if (lake && own.root !== 0) {
      const root = await readRelation(client, own.root);
      if (root !== null && filters.table(root.schema, root.name)) return root;
    }
    // The message's name is the one of the time; the catalog's may be a later one.
    return filters.table(message.schema, message.table)
      ? { ...own, schema: message.schema, name: message.table }
      : null;
  }

  async #now(
    client: Client,
    types: TypeCatalog,
    relation: RelationRow,
    toRead = false,
  ): Promise<PostgresTable> {
    const { logged, generated } = await this.#columnsNow(client, relation);
    const indexes = await readIndexColumns(client, relation.oid);
    const { lake } = this.#options;
    if (generated.length === 0 || !toRead || !this.#readsGenerated)
      return this.#version(client, types, relation, logged, indexes);
    const columns = [...logged, ...generated];
    if (lake) return this.#withGenerated(client, types, relation, logged, columns, indexes);
    return this.#version(client, types, relation, columns.sort(byNumber), indexes);
  }

  /** Beside a lake, which keeps no columns that would be NULL ever after. */
  async #withGenerated(
    client: Client,
    types: TypeCatalog,
    relation: RelationRow,
    loggedColumns: readonly ColumnFacts[],
    columns: readonly ColumnFacts[],
    indexes: IndexColumns,
  ): Promise<PostgresTable> {
    const logged = await this.#version(client, types, relation, loggedColumns, indexes);
    const read = await this.#version(client, types, relation, columns, indexes);
    const known = this.#read.get(logged);
    if (known !== undefined && known.version === read.version) return known;
    const made = { ...read, logged };
    this.#read.set(logged, made);
    return made;
  }

  /** Debezium's snapshot has generated columns, though the stream does not: its schema changes between them. */
  get #readsGenerated(): boolean {
    const { lake, events, config } = this.#options;
    return (events || !lake) && !config['icestream.correct.values'];
  }

  /** Columns as a stream that begins now would send them, and the generated ones that it would not send. */
  async #columnsNow(
    client: Client,
    relation: RelationRow,
  ): Promise<{ logged: ColumnFacts[]; generated: ColumnFacts[] }> {
    const attributes = await readAttributes(client, relation.oid);
    const publication = this.#options.config['publication.name'];
    const published = await readPublishedColumns(client, publication, relation.schema, relation.name);
    const isLogged = ({ name, generated }: AttributeRow) => {
      // Without a publication that says otherwise generated columns are not sent: they would be NULL ever after.
      if (published === null) return generated === '';
      return published.has(name) && generated !== 'v';
    };
    const facts = (attribute: AttributeRow) => ({ ...attribute, attribute, attnum: attribute.number });
    const there = attributes.filter(({ dropped }) => !dropped);
    return {
      logged: there.filter(isLogged).map(facts),
      generated: there.filter((each) => each.generated !== '' && !isLogged(each)).map(facts),
    };
  }

  /** Columns as the message has them; the catalog adds what the message lacks. */
  async #columnsOf(client: Client, target: RelationRow, message: RelationMessage): Promise<ColumnFacts[]> {
    const attributes = await readAttributes(client, target.oid);
    const isOwn = target.oid === message.oid;
    const names = message.columns.map(({ name }) => name);
    // A partition numbers its columns on its own; names are all that it shares with its root.
    const aligned = isOwn
      ? alignColumns(names, attributes, numbersOf(this.#streamed.get(target.oid)))
      : names.map((name) => attributes.find((attribute) => attribute.name === name) ?? null);
    const columns = message.columns.map(({ name, typeOid, typeModifier }, i) => {
      const found = aligned[i];
      const isSame =
        found !== null && found.name === name && found.typeOid === typeOid && found.typmod === typeModifier;
      return {
        name,
        typeOid,
        typmod: typeModifier,
        attribute: isSame ? found : null,
        attnum: found?.number ?? null,
      };
    });
    if (!isOwn) columns.sort(byNumber);
    return columns;
  }

  async #version(
    client: Client,
    types: TypeCatalog,
    relation: RelationRow,
    columns: readonly ColumnFacts[],
    indexes: IndexColumns,
    isStream = false,
  ): Promise<PostgresTable> {
    await types.load(columns.map(({ typeOid }) => typeOid));
    const lookup = (oid: number) => types.get(oid);
    const constants = await readConstants(client, relation.oid, columns, lookup, this.#options.signal);
    const name = `${relation.schema}.${relation.name}`;
    let versions = this.#versions.get(relation.oid);
    if (versions === undefined) this.#versions.set(relation.oid, (versions = new Map()));
    const parts = { relation, columns, indexes, keyOverride: this.#options.keyOverride(name), ...constants };
    const { config, lake } = this.#options;
    const propagates =
      config['column.propagate.source.type'] !== null || config['datatype.propagate.source.type'] !== null;
    const asStreamed = isStream && propagates && !lake;
    const options = { ...this.#options, codecOptions: this.#codecOptions };
    const context = { ...options, lookup, asStreamed, eventsOnly: !lake };
    const built = buildTable(parts, context, versions.size + 1);
    const signature = signatureOf(built);
    const known = versions.get(signature);
    if (known !== undefined) return known;
    this.#warn(built);
    const table =
      this.#options.lake && built.fault === null ? { ...built, fault: incompleteKey(built) } : built;
    versions.set(signature, table);
    return table;
  }

  #warn(table: PostgresTable): void {
    const { log } = this.#options;
    for (const [column, reason] of table.omitted) {
      this.#warnOnce(`${table.name}.${column}`, () =>
        log.warn({ table: table.name, column, reason }, 'column is left out, its type cannot be read'),
      );
    }
    const warning = identityWarning(table);
    if (warning !== null) {
      this.#warnOnce(table.name, () =>
        log.warn({ table: table.name, warning }, 'changes of a table will fail'),
      );
    }
  }

  #warnOnce(what: string, warn: () => void): void {
    if (this.#warned.has(what)) return;
    this.#warned.add(what);
    warn();
  }

  #use<T>(run: (client: Client, types: TypeCatalog) => Promise<T>): Promise<T> {
    const next = this.#busy.then(() => this.#connected(run));
    this.#busy = next.catch(() => {});
    return next;
  }

  async #connected<T>(run: (client: Client, types: TypeCatalog) => Promise<T>): Promise<T> {
    const { signal } = this.#options;
    try {
      this.#client ??= await this.#options.connect(signal);
      this.#types ??= await loadTypes(this.#client);
      return await run(this.#client, this.#types);
    } catch (error) {
      const classified = postgresError(error, 'reading the catalog failed');
      // Whatever the reason, the next call starts on a connection that works.
      this.#types = null;
      await this.close();
      signal.throwIfAborted();
      throw classified;
    }
  }
}

/**
 * Tables whose UPDATE or DELETE our publication makes fail at the source (P-5), with what to do.
 * https://www.postgresql.org/docs/current/logical-replication-publication.html
 */
export function identityWarning(table: PostgresTable): string | null {
  const remedy =
    'UPDATE and DELETE on it fail while it is published: set REPLICA IDENTITY to FULL or to an index';
  if (table.replicaIdentity === 'n') return `${table.name} has replica identity NOTHING; ${remedy}`;
  if (table.beforeColumns.length > 0) return null;
  if (table.replicaIdentity === 'd') return `${table.name} has no primary key; ${remedy}`;
  if (table.replicaIdentity === 'i')
    return `the index of the replica identity of ${table.name} is gone; ${remedy}`;
  return null;
}

function named(relation: RelationRow): CapturedTable {
  return { ...relation, fullName: `${relation.schema}.${relation.name}` };
}

function byNumber(a: ColumnFacts, b: ColumnFacts): number {
  return (a.attnum ?? 0) - (b.attnum ?? 0);
}
