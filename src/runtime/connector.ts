import type { Log } from '../base/log.ts';
import type { TaskMetrics } from '../base/metrics.ts';
import type { OffsetJson } from '../record/offset.ts';
import type { Properties } from './config-providers.ts';
import type { ConnectorPlugin } from './plugins.ts';
import type { TaskCommand, TaskStart } from './protocol.ts';
import { requireTransformsForLake, withWorker } from './sink-defaults.ts';
import { retryPolicy, type ShownState, shown, type TaskState } from './states.ts';
import type { Store, TargetState } from './store.ts';
import { TaskSupervisor } from './supervisor.ts';
import type { WorkerConfig } from './worker-config.ts';

export interface ConnectorOptions {
  readonly name: string;
  readonly config: Properties;
  readonly target: TargetState;
  readonly plugin: ConnectorPlugin;
  readonly worker: WorkerConfig;
  readonly store: Store;
  readonly log: Log;
  readonly taskScript: URL;
  readonly workerId: () => string;
  readonly stateDir: string;
  readonly memoryBytes: () => number;
  readonly logLevel: () => string;
  /** A deleted connector of the same name has gone; its threads would fight with ours. */
  readonly ready: Promise<void>;
}

export interface PartStatus {
  readonly state: ShownState;
  readonly worker_id: string;
  readonly version: string;
  readonly trace?: string;
}

export interface TaskStatus extends PartStatus {
  readonly id: number;
  /** Not in Connect's answer: sinks that do not keep up (S-1), and which of them everything waits for. */
  readonly slow_sinks?: readonly SlowSink[];
}

export interface SlowSink {
  readonly sink: string;
  readonly spooled_bytes: number;
  readonly stalls_all: boolean;
  /** It is not open: it has failed, or could not be opened so far. */
  readonly away: boolean;
  /** The last error's code and text; null where it is only slow. */
  readonly error: string | null;
}

export interface ConnectorStatus {
  readonly name: string;
  readonly connector: PartStatus;
  readonly tasks: readonly TaskStatus[];
  readonly type: string;
}

/** The JavaScript heap a task may grow to beside its share of the budget, which is for buffers. */
const HEAP_BASE_BYTES = 256 * 1024 * 1024;
/** What a topic's name may not hold. */
const TOPIC_ILLEGAL = /[^A-Za-z0-9._-]/g;

/**
 * One connector: its configuration, its target state and its task. A database log has one reader, so there is one task,
 * number 0, as with every Debezium connector.
 */
export class Connector {
  readonly name: string;
  config: Properties;
  target: TargetState;
  plugin: ConnectorPlugin;
  /** Deleted: its status is no longer written, its last offset is. */
  private isForgotten = false;
  /** Rows of each table at the task's last report; what has moved since is active. */
  private readonly rowsSeen = new Map<string, number>();
  /** Of the configuration that the present task was started with, references resolved. */
  private topicPrefix = '';
  private readonly options: ConnectorOptions;
  private readonly taskLog: Log;
  private readonly task: TaskSupervisor;

  constructor(options: ConnectorOptions) {
    this.name = options.name;
    this.config = options.config;
    this.target = options.target;
    this.plugin = options.plugin;
    this.options = options;
    const { store } = options;
    this.taskLog = options.log.child({ task: 0 });
    this.task = new TaskSupervisor({
      script: options.taskScript,
      prepare: () => this.prepare(),
      policy: () => retryPolicy(this.config),
      heapBytes: HEAP_BASE_BYTES + options.memoryBytes(),
      gracefulTimeoutMs: options.worker.gracefulTimeoutMs,
      log: this.taskLog,
      onState: (state) => this.noteState(state),
      onOffset: (epoch, partition, offset) =>
        this.keep(() => store.putOffset(this.name, epoch, { partition, offset })),
      onTopics: (topics) => this.noteTopics(topics),
      onMetrics: (metrics) => this.noteTopics(this.activeTopics(metrics)),
    });
  }

  get taskState(): TaskState {
    return this.task.state;
  }

  /** Starts after a failure, since this process began. */
  get restarts(): number {
    return this.task.restarts;
  }

  get metrics(): TaskMetrics | null {
    return this.task.metrics;
  }

  /** Brings the task into the target state. */
  start(): void {
    this.noteTarget();
    if (this.target !== 'STOPPED') this.task.start(this.target === 'PAUSED');
  }

  setTarget(target: TargetState): void {
    const before = this.target;
    this.target = target;
    this.options.log.info({ target }, 'connector target state changed');
    this.noteTarget();
    if (target === 'STOPPED') void this.task.stop();
    else if (before === 'STOPPED') this.task.start(target === 'PAUSED');
    else this.task.setPaused(target === 'PAUSED');
  }

  /** The task goes on with the new configuration, from its last durable offset. */
  reconfigure(config: Properties, plugin: ConnectorPlugin): void {
    this.config = config;
    this.plugin = plugin;
    this.options.log.info('connector configuration changed');
    if (this.target !== 'STOPPED') this.task.start(this.target === 'PAUSED');
  }

  /**
   * A connector has nothing of its own that could fail or need restarting; its task has. The answer shows as RESTARTING
   * what is planned, before it happens, as Connect's does.
   */
  restart(includeTasks: boolean, onlyFailed: boolean): ConnectorStatus {
    const status = this.status();
    const planned = includeTasks && (!onlyFailed || this.task.state.phase === 'failed');
    if (this.target !== 'STOPPED' && planned) this.restartTask();
    if (onlyFailed && !planned) return status;
    const tasks = status.tasks.map((task) =>
      planned ? { ...withoutTrace(task), state: 'RESTARTING' as const } : task,
    );
    const connector = onlyFailed ? status.connector : { ...status.connector, state: 'RESTARTING' as const };
    return { ...status, connector, tasks };
  }

  restartTask(): void {
    this.task.start(this.target === 'PAUSED');
  }

  /** Resolves when no thread is left. */
  stopped(): Promise<void> {
    return this.task.stop();
  }

  /** Resolves when no thread is left. From now on nothing is written of it but offsets. */
  forget(): Promise<void> {
    this.isForgotten = true;
    return this.task.stop();
  }

  send(command: TaskCommand): boolean {
    return this.task.send(command);
  }

  setLogLevel(level: string): void {
    for (const log of [this.options.log, this.taskLog]) log.level = level;
    this.task.send({ type: 'log-level', level });
  }

  /** Empty when stopped and the last thread has gone: stopping gives the tasks up, pausing keeps them. */
  taskIds(): number[] {
    return this.target === 'STOPPED' && this.task.state.phase === 'unassigned' ? [] : [0];
  }

  status(): ConnectorStatus {
    return {
      name: this.name,
      connector: this.part(shownTarget(this.target), null),
      tasks: this.taskIds().map((id) => {
        const { state, trace } = shown(this.task.state);
        const slow = state === 'RUNNING' ? slowSinks(this.metrics) : [];
        return { id, ...this.part(state, trace), ...(slow.length === 0 ? {} : { slow_sinks: slow }) };
      }),
      type: this.plugin.type,
    };
  }

  private part(state: ShownState, trace: string | null): PartStatus {
    const status = { state, worker_id: this.options.workerId(), version: this.plugin.version };
    return trace === null ? status : { ...status, trace };
  }

  private async prepare(): Promise<TaskStart> {
    await this.options.ready;
    const { worker, store, stateDir, memoryBytes, logLevel } = this.options;
    const config = withWorker(worker.providers.resolve(this.config), worker);
    requireTransformsForLake(config);
    this.topicPrefix = config['topic.prefix'] ?? this.name;
    this.rowsSeen.clear();
    return {
      connector: this.name,
      task: 0,
      config,
      worker: worker.properties,
      offset: ownOffset(store, this.name, this.plugin.partition(config)),
      offsetEpoch: store.offsetEpoch(this.name),
      stateDir,
      memoryBytes: memoryBytes(),
      logLevel: logLevel(),
      paused: this.target === 'PAUSED',
    };
  }

  private noteState(state: TaskState): void {
    const { workerId, store } = this.options;
    const log = this.taskLog;
    const { state: word, trace } = shown(state);
    if (state.phase === 'failed')
      log.error(
        { code: state.error.code, reason: state.error.message, hint: state.error.hint },
        'task failed',
      );
    else if (state.phase === 'waiting')
      log[state.retries > 3 ? 'warn' : 'info'](
        { retries: state.retries, delayMs: state.delayMs, trace },
        'task will be restarted',
      );
    else log.info({ state: state.phase }, 'task state changed');
    if (this.isForgotten) return;
    this.keep(() =>
      store.putStatus({ connector: this.name, task: 0, state: word, trace, workerId: workerId() }),
    );
  }

  private noteTopics(topics: readonly string[]): void {
    if (topics.length === 0 || this.isForgotten || !this.options.worker.topicTracking) return;
    this.keep(() => this.options.store.addTopics(this.name, topics));
  }

  /** Topics, as Debezium names them, of the tables that had rows since the last report. */
  private activeTopics(metrics: TaskMetrics): string[] {
    const active: string[] = [];
    for (const [table, { rowsSnapshot, rowsStreamed }] of metrics.tables) {
      const rows = rowsSnapshot + rowsStreamed;
      if (rows !== 0 && rows !== this.rowsSeen.get(table))
        active.push(`${this.topicPrefix}.${table}`.replace(TOPIC_ILLEGAL, '_'));
      this.rowsSeen.set(table, rows);
    }
    return active;
  }

  private noteTarget(): void {
    const { store, workerId } = this.options;
    const state = shownTarget(this.target);
    this.keep(() =>
      store.putStatus({ connector: this.name, task: -1, state, trace: null, workerId: workerId() }),
    );
  }

  /**
   * Writes what a task reported. A store that refuses (a full disk) must not stop a task whose position is safe in the
   * lake (O-3); the next report tries again.
   */
  private keep(write: () => void): void {
    try {
      write();
    } catch (error) {
      this.options.log.error({ error }, 'state could not be written');
    }
  }
}

function shownTarget(target: TargetState): ShownState {
  return target === 'STARTED' ? 'RUNNING' : target;
}

function withoutTrace({ trace: _trace, ...task }: TaskStatus): TaskStatus {
  return task;
}

/** The stored offset of this connector's own partition; others may have been PATCHed in and mean nothing. */
function ownOffset(store: Store, name: string, partition: OffsetJson): OffsetJson | null {
  const wanted = JSON.stringify(partition);
  return store.offsets(name).find((stored) => JSON.stringify(stored.partition) === wanted)?.offset ?? null;
}

function slowSinks(metrics: TaskMetrics | null): SlowSink[] {
  return Object.entries(metrics?.sinks ?? {})
    .filter(([, { spooledBytes, isAway, error }]) => spooledBytes > 0 || isAway || error !== null)
    .map(([sink, { spooledBytes, stalls, isAway, error }]) => ({
      sink,
      spooled_bytes: spooledBytes,
      stalls_all: stalls,
      away: isAway,
      error,
    }));
}
