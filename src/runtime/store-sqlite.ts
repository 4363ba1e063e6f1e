import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { IcestreamError } from '../base/errors.ts';
import type {
  Store,
  StoredConnector,
  StoredLogger,
  StoredOffset,
  StoredStatus,
  TargetState,
} from './store.ts';

const SCHEMA = `
create table if not exists meta (name text primary key, value text not null) strict;
create table if not exists connectors (name text primary key, config text not null, target text not null) strict;
create table if not exists offsets (connector text not null, partition text not null, offset text,
  primary key (connector, partition)) strict;
create table if not exists epochs (connector text primary key, epoch integer not null) strict;
create table if not exists statuses (connector text not null, task integer not null, state text not null,
  trace text, worker_id text not null, primary key (connector, task)) strict;
create table if not exists topics (connector text not null, topic text not null, primary key (connector, topic)) strict;
create table if not exists loggers (name text primary key, level text not null, modified integer not null) strict;
`;

/**
 * Opens the store under `stateDir`, and holds the folder against every other process until closed.
 * @throws IcestreamError state.store if the folder cannot be written or another process has it
 */
export function openStore(stateDir: string): Store {
  try {
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
    const lock = takeLock(join(stateDir, 'lock'));
    const database = new DatabaseSync(join(stateDir, 'state.db'), { timeout: 5000 });
    database.exec('pragma journal_mode = wal; pragma synchronous = full');
    return new SqliteStore(database, lock);
  } catch (error) {
    if (error instanceof IcestreamError) throw error;
    throw storeError(`the state directory ${stateDir} cannot be used`, error);
  }
}

/** A store that forgets everything when closed. */
export function openMemoryStore(): Store {
  return new SqliteStore(new DatabaseSync(':memory:'), null);
}

/**
 * An open exclusive transaction is a lock that the kernel lets go of when the process dies, however it dies, and that
 * works on every platform; a file with a process id would survive `kill -9`.
 */
function takeLock(path: string): DatabaseSync {
  const lock = new DatabaseSync(path, { timeout: 0 });
  try {
    lock.exec('begin exclusive');
    return lock;
  } catch (error) {
    lock.close();
    throw new IcestreamError('state.store', 'another process uses the state directory', {
      cause: error,
      context: { path },
      hint: 'Stop the other process, or give this one its own icestream.state.dir.',
    });
  }
}

function storeError(message: string, cause: unknown): IcestreamError {
  return new IcestreamError('state.store', message, { cause });
}

type Row = Record<string, string | number | null>;

class SqliteStore implements Store {
  readonly clusterId: string;
  private readonly database: DatabaseSync;
  private readonly lock: DatabaseSync | null;
  private readonly statements = new Map<string, ReturnType<DatabaseSync['prepare']>>();

  constructor(database: DatabaseSync, lock: DatabaseSync | null) {
    this.database = database;
    this.lock = lock;
    database.exec(SCHEMA);
    this.run('insert or ignore into meta values (?, ?)', 'version', '1');
    this.run('insert or ignore into meta values (?, ?)', 'cluster-id', randomBytes(16).toString('base64url'));
    const version = this.rows('select value from meta where name = ?', 'version')[0]!['value'];
    if (version !== '1')
      throw new IcestreamError(
        'state.store',
        `the state is of version ${version}, this program writes version 1`,
        {
          hint: 'Start the program that wrote it, or give this one another icestream.state.dir.',
        },
      );
    this.clusterId = String(this.rows('select value from meta where name = ?', 'cluster-id')[0]!['value']);
  }

  connectors(): StoredConnector[] {
    return this.rows('select name, config, target from connectors order by name').map((row) => ({
      name: String(row['name']),
      config: JSON.parse(String(row['config'])),
      target: row['target'] as TargetState,
    }));
  }

  putConnector(name: string, config: Readonly<Record<string, string>>, target: TargetState): void {
    this.run('insert or replace into connectors values (?, ?, ?)', name, JSON.stringify(config), target);
  }

  putTarget(name: string, target: TargetState): void {
    this.run('update connectors set target = ? where name = ?', target, name);
  }

  deleteConnector(name: string): void {
    this.atomically(() => {
      for (const table of ['statuses', 'topics']) this.run(`delete from ${table} where connector = ?`, name);
      this.run('delete from connectors where name = ?', name);
    });
  }

  offsets(connector: string): StoredOffset[] {
    const rows = this.rows(
      'select partition, offset from offsets where connector = ? order by rowid',
      connector,
    );
    return rows.map((row) => ({
      partition: JSON.parse(String(row['partition'])),
      offset: row['offset'] === null ? null : JSON.parse(String(row['offset'])),
    }));
  }

  offsetEpoch(connector: string): number {
    return Number(this.rows('select epoch from epochs where connector = ?', connector)[0]?.['epoch'] ?? 0);
  }

  putOffset(connector: string, epoch: number, offset: StoredOffset): void {
    if (this.offsetEpoch(connector) === epoch) this.writeOffset(connector, offset);
  }

  alterOffsets(connector: string, offsets: readonly StoredOffset[]): void {
    this.atomically(() => {
      for (const offset of offsets) this.writeOffset(connector, offset);
      this.raiseEpoch(connector);
    });
  }

  resetOffsets(connector: string): void {
    this.atomically(() => {
      this.run('delete from offsets where connector = ?', connector);
      this.raiseEpoch(connector);
    });
  }

  statuses(): StoredStatus[] {
    return this.rows('select connector, task, state, trace, worker_id from statuses').map((row) => ({
      connector: String(row['connector']),
      task: Number(row['task']),
      state: String(row['state']),
      trace: row['trace'] === null ? null : String(row['trace']),
      workerId: String(row['worker_id']),
    }));
  }

  putStatus({ connector, task, state, trace, workerId }: StoredStatus): void {
    this.run(
      'insert or replace into statuses values (?, ?, ?, ?, ?)',
      connector,
      task,
      state,
      trace,
      workerId,
    );
  }

  topics(connector: string): string[] {
    const rows = this.rows('select topic from topics where connector = ? order by topic', connector);
    return rows.map((row) => String(row['topic']));
  }

  addTopics(connector: string, topics: readonly string[]): void {
    this.atomically(() => {
      for (const topic of topics) this.run('insert or ignore into topics values (?, ?)', connector, topic);
    });
  }

  resetTopics(connector: string): void {
    this.run('delete from topics where connector = ?', connector);
  }

  loggers(): StoredLogger[] {
    return this.rows('select name, level, modified from loggers order by name').map((row) => ({
      name: String(row['name']),
      level: String(row['level']),
      modifiedMillis: Number(row['modified']),
    }));
  }

  putLogger(logger: StoredLogger): void {
    this.run(
      'insert or replace into loggers values (?, ?, ?)',
      logger.name,
      logger.level,
      logger.modifiedMillis,
    );
  }

  close(): void {
    this.database.close();
    this.lock?.close();
  }

  private writeOffset(connector: string, { partition, offset }: StoredOffset): void {
    const value = offset === null ? null : JSON.stringify(offset);
    this.run(
      'insert into offsets values (?, ?, ?) on conflict (connector, partition) do update set offset = excluded.offset',
      connector,
      JSON.stringify(partition),
      value,
    );
  }

  private raiseEpoch(connector: string): void {
    this.run(
      'insert into epochs values (?, 1) on conflict (connector) do update set epoch = epoch + 1',
      connector,
    );
  }

  private atomically(work: () => void): void {
    this.run('begin immediate');
    try {
      work();
      this.run('commit');
    } catch (error) {
      this.run('rollback');
      throw error;
    }
  }

  private rows(sql: string, ...values: (string | number | null)[]): Row[] {
    return this.guarded(() => this.statement(sql).all(...values) as Row[]);
  }

  private run(sql: string, ...values: (string | number | null)[]): void {
    this.guarded(() => this.statement(sql).run(...values));
  }

  private statement(sql: string) {
    let statement = this.statements.get(sql);
    if (statement === undefined) this.statements.set(sql, (statement = this.database.prepare(sql)));
    return statement;
  }

  private guarded<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw storeError('the state database refused a statement', error);
    }
  }
}
