import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Log } from '../base/log.ts';
import type { TaskMetrics } from '../base/metrics.ts';
import type { OffsetChange } from '../sink/sink.ts';
import type { Properties } from './config-providers.ts';
import { Connector, type ConnectorStatus, type TaskStatus } from './connector.ts';
import { alterKeptOffsets } from './kept-offsets.ts';
import { unknownProperties } from './plugins/unknown.ts';
import type { ConfigInfos } from './plugins/validate.ts';
import { requireValid, validateConfig } from './plugins/validate.ts';
import type { Plugins } from './plugins.ts';
import { connectorNotFound, RequestError } from './request-error.ts';
import { withWorker } from './sink-defaults.ts';
import type { Store, StoredOffset, TargetState } from './store.ts';
import type { WorkerConfig } from './worker-config.ts';

export interface HerderOptions {
  readonly worker: WorkerConfig;
  readonly plugins: Plugins;
  readonly store: Store;
  readonly log: Log;
  /** Entry point of task threads. */
  readonly taskScript: URL;
  /** `host:port` under which this worker is known. */
  readonly workerId: () => string;
}

export interface ConnectorInfo {
  readonly name: string;
  readonly config: Properties;
  readonly tasks: readonly { readonly connector: string; readonly task: number }[];
  readonly type: string;
}

/** What a client may write into a configuration: PATCH removes a key with null. */
export type ConfigPatch = Readonly<Record<string, string | null>>;

/**
 * All connectors of this worker: what the REST API asks for happens here. Configurations and target states are durable
 * before a call returns; tasks follow on their own, as in Connect.
 */
export class Herder {
  readonly store: Store;
  readonly plugins: Plugins;
  readonly worker: WorkerConfig;
  readonly startedMillis = Date.now();
  private readonly connectors = new Map<string, Connector>();
  /** Deleted connectors whose threads have not ended; a connector of the same name waits for them. */
  private readonly leaving = new Map<string, Promise<void>>();
  private readonly options: HerderOptions;
  private logLevel: string;

  constructor(options: HerderOptions) {
    this.options = options;
    this.store = options.store;
    this.plugins = options.plugins;
    this.worker = options.worker;
    this.logLevel = options.worker.logLevel;
  }

  /** Takes up every stored connector, so that requests find it; tasks wait for `start`. */
  load(): void {
    for (const { name, config, target } of this.store.connectors()) {
      try {
        this.add(name, config, target);
      } catch (error) {
        this.options.log.error({ error, connector: name }, 'stored connector cannot be taken up');
      }
    }
  }

  start(): void {
    for (const connector of this.connectors.values()) connector.start();
  }

  /** Stops all tasks within the graceful limit; target states stay as they are. */
  async close(): Promise<void> {
    await Promise.all([...this.connectors.values()].map((connector) => connector.stopped()));
    await Promise.all(this.leaving.values());
  }

  names(): string[] {
    return [...this.connectors.keys()];
  }

  all(): Iterable<Connector> {
    return this.connectors.values();
  }

  info(name: string): ConnectorInfo {
    return infoOf(this.require(name));
  }

  config(name: string): Properties {
    return this.require(name).config;
  }

  status(name: string): ConnectorStatus {
    const connector = this.connectors.get(name);
    if (connector === undefined) throw new RequestError(404, `No status found for connector ${name}`);
    return connector.status();
  }

  tasks(name: string): { id: { connector: string; task: number }; config: Properties }[] {
    const connector = this.require(name);
    const config = { ...connector.config, 'task.class': connector.plugin.taskClass };
    return connector.taskIds().map((task) => ({ id: { connector: name, task }, config }));
  }

  taskStatus(name: string, task: number): TaskStatus {
    const status = this.connectors
      .get(name)
      ?.status()
      .tasks.find((candidate) => candidate.id === task);
    if (status === undefined) throw new RequestError(404, `No status found for task ${name}-${task}`);
    return status;
  }

  /** @throws RequestError 400 invalid, 409 exists */
  async create(name: string, config: ConfigPatch, initial: TargetState): Promise<ConnectorInfo> {
    const valid = await this.valid(config);
    if (this.connectors.has(name)) throw new RequestError(409, `Connector ${name} already exists`);
    this.store.putConnector(name, valid, initial);
    const connector = this.add(name, valid, initial);
    const info = infoOf(connector);
    connector.start();
    return { ...info, tasks: [] };
  }

  async putConfig(name: string, config: ConfigPatch): Promise<{ created: boolean; info: ConnectorInfo }> {
    const valid = await this.valid(config);
    const connector = this.connectors.get(name);
    if (connector === undefined) return { created: true, info: await this.create(name, config, 'STARTED') };
    this.store.putConnector(name, valid, connector.target);
    connector.reconfigure(valid, this.plugins.require(valid['connector.class']!));
    return { created: false, info: infoOf(connector) };
  }

  async patchConfig(name: string, patch: ConfigPatch): Promise<ConnectorInfo> {
    const merged: Record<string, string | null> = { ...this.require(name).config, ...patch };
    for (const [key, value] of Object.entries(patch)) if (value === null) delete merged[key];
    return (await this.putConfig(name, merged)).info;
  }

  /** Returns when the connector is forgotten; its threads end behind. Offsets stay. */
  delete(name: string): void {
    const connector = this.require(name);
    this.store.deleteConnector(name);
    this.connectors.delete(name);
    const earlier = this.leaving.get(name);
    const left = Promise.all([earlier, connector.forget()]).then(() => {
      if (this.leaving.get(name) === left) this.leaving.delete(name);
    });
    this.leaving.set(name, left);
  }

  setTarget(name: string, target: TargetState): void {
    const connector = this.connectors.get(name);
    if (connector === undefined) throw new RequestError(404, `Unknown connector ${name}`);
    if (connector.target === target) return;
    this.store.putTarget(name, target);
    connector.setTarget(target);
  }

  /** The connector alone, or with its tasks; the answer shows what has been planned. */
  restart(name: string, includeTasks: boolean, onlyFailed: boolean): ConnectorStatus {
    const connector = this.connectors.get(name);
    if (connector === undefined) throw new RequestError(404, `Unknown connector: ${name}`);
    return connector.restart(includeTasks, onlyFailed);
  }

  restartTask(name: string, task: number): void {
    const connector = this.connectors.get(name);
    if (!connector?.taskIds().includes(task)) throw new RequestError(404, `Unknown task: ${name}-${task}`);
    connector.restartTask();
  }

  offsets(name: string): StoredOffset[] {
    this.require(name);
    return this.store.offsets(name);
  }

  /** Raises the offsets' epoch (O-2). Waits for the last thread, whose own late reports then count no more. */
  async alterOffsets(name: string, offsets: readonly StoredOffset[]): Promise<void> {
    // Connect takes an offset without a partition, and never finds it again.
    const changes = offsets.flatMap(({ partition, offset }) =>
      partition === null ? [] : [{ partition, offset }],
    );
    await this.changeKeptOffsets(name, changes);
    this.store.alterOffsets(name, changes);
  }

  async resetOffsets(name: string): Promise<void> {
    await this.changeKeptOffsets(name, null);
    this.store.resetOffsets(name);
  }

  /** Where they are kept for others, first: what is only there counts as changed, what is only in the store is lost with it. */
  private async changeKeptOffsets(name: string, changes: readonly OffsetChange[] | null): Promise<void> {
    const connector = await this.requireStopped(name);
    const { worker, log, store } = this.options;
    const config = withWorker(worker.providers.resolve(connector.config), worker);
    const epoch = store.offsetEpoch(name) + 1;
    await alterKeptOffsets(config, { connector: name, epoch, log: log.child({ connector: name }) }, changes);
    // Meanwhile it may have been started, or deleted.
    await this.requireStopped(name);
  }

  topics(name: string): string[] {
    return this.store.topics(name);
  }

  resetTopics(name: string): void {
    this.store.resetTopics(name);
  }

  /** @throws RequestError 409 if no task is running that could take it */
  signal(name: string, signal: { id: string; type: string; data: string }): void {
    const sent = this.require(name).send({
      type: 'signal',
      id: signal.id,
      signal: signal.type,
      data: signal.data,
    });
    if (!sent) throw new RequestError(409, `Connector ${name} has no running task to take the signal`);
  }

  /** @throws RequestError 400 when the configuration names no class, or one that is not known */
  async validate(config: ConfigPatch): Promise<ConfigInfos> {
    const className = config['connector.class'];
    if (!className)
      throw new RequestError(400, `Connector config ${javaMap(config)} contains no connector type`);
    return validateConfig(this.plugins, this.plugins.require(className), config, this.worker);
  }

  /** What the connector's task last reported; null before that. @throws RequestError 404 */
  metrics(name: string): TaskMetrics | null {
    return this.require(name).metrics;
  }

  setLogLevel(level: string): void {
    this.logLevel = level;
    this.options.log.level = level;
    for (const connector of this.connectors.values()) connector.setLogLevel(level);
  }

  private async valid(config: ConfigPatch): Promise<Properties> {
    requireValid(await this.validate(config));
    const valid = config as Properties;
    const plugin = this.plugins.require(valid['connector.class']!);
    for (const { key, nearest } of unknownProperties(plugin, this.plugins, valid))
      this.options.log.warn({ connector: valid['name'], key, nearest }, 'unknown property');
    return valid;
  }

  private async requireStopped(name: string): Promise<Connector> {
    const connector = this.require(name);
    if (connector.target !== 'STOPPED')
      throw new RequestError(
        400,
        'Connectors must be in the STOPPED state before their offsets can be modified. This can be done for the ' +
          `specified connector by issuing a 'PUT' request to the '/connectors/${name}/stop' endpoint`,
      );
    await connector.stopped();
    return connector;
  }

  private require(name: string): Connector {
    const connector = this.connectors.get(name);
    if (connector === undefined) throw connectorNotFound(name);
    return connector;
  }

  private add(name: string, config: Properties, target: TargetState): Connector {
    const { worker, store, log, taskScript, workerId } = this.options;
    const connector = new Connector({
      name,
      config,
      target,
      plugin: this.plugins.require(config['connector.class'] ?? ''),
      worker,
      store,
      log: log.child({ connector: name }),
      taskScript,
      workerId,
      stateDir: join(worker.stateDir, 'tasks', folderOf(name)),
      memoryBytes: () => this.memoryShare(),
      logLevel: () => this.logLevel,
      ready: this.leaving.get(name) ?? Promise.resolve(),
    });
    this.connectors.set(name, connector);
    return connector;
  }

  /**
   * An even share of the process's budget for every connector that is not stopped (S-2). A running task keeps the share
   * it started with until it is next started.
   */
  private memoryShare(): number {
    let sharing = 0;
    for (const connector of this.connectors.values()) if (connector.target !== 'STOPPED') sharing++;
    return Math.floor(this.worker.memoryBytes / Math.max(1, sharing));
  }
}

function infoOf(connector: Connector): ConnectorInfo {
  return {
    name: connector.name,
    config: connector.config,
    tasks: connector.taskIds().map((task) => ({ connector: connector.name, task })),
    type: connector.plugin.type,
  };
}

/** A connector's name may hold any character; its folder's may not. */
function folderOf(name: string): string {
  const safe = name.replace(/[^A-Za-z0-9_-]/g, '_').slice(0, 64);
  return safe === name ? safe : `${safe}-${createHash('sha256').update(name).digest('hex').slice(0, 8)}`;
}

/** As Java prints a map; the connector's name comes first. */
function javaMap(config: ConfigPatch): string {
  const { name, ...others } = config;
  const entries = Object.entries(name === undefined ? others : { name, ...others });
  return `{${entries.map(([key, value]) => `${key}=${value}`).join(', ')}}`;
}
