import { Worker } from 'node:worker_threads';
import { asIcestreamError, IcestreamError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { TaskMetrics } from '../base/metrics.ts';
import type { OffsetJson } from '../record/offset.ts';
import { tuneHeap } from './engine.ts';
import type { TaskCommand, TaskError, TaskReport, TaskStart } from './protocol.ts';
import { sinksOf } from './sink-defaults.ts';
import { next, type RetryPolicy, type TaskEvent, type TaskState } from './states.ts';

export interface SupervisorOptions {
  /** The thread's entry point; speaks protocol.ts. */
  readonly script: URL;
  /**
   * Called for every attempt, so that each starts with the configuration, offset and epoch of that moment.
   * @throws IcestreamError when a thread cannot be started for this task, config.provider above all
   */
  readonly prepare: () => Promise<TaskStart>;
  readonly policy: () => RetryPolicy;
  /** Limit of the thread's JavaScript heap; beyond it the thread dies and the process lives. */
  readonly heapBytes: number;
  readonly gracefulTimeoutMs: number;
  readonly log: Log;
  readonly onState: (state: TaskState) => void;
  readonly onOffset: (epoch: number, partition: OffsetJson, offset: OffsetJson) => void;
  readonly onTopics: (topics: readonly string[]) => void;
  readonly onMetrics: (metrics: TaskMetrics) => void;
}

/**
 * The engine's own limit, said aloud: with an initial heap it goes by that instead, and what survives in so large a young
 * generation is more than the leeway in which a thread that is out of memory can be ended. The whole process ended then (S-2).
 */
const YOUNG_GENERATION_MB = 48;

/** A thread that ignores `stop` is terminated this long after its time for committing is over. */
const STOP_GRACE_MS = 1000;

/**
 * Keeps one task running: starts its thread, restarts it with growing delays when it fails by something that may pass,
 * and shows what state it is in. The state changes in `next` alone; this class only carries out what a state asks for.
 *
 * A new thread starts only after the previous one has exited: two threads of one task would fight for the slot.
 */
export class TaskSupervisor {
  /** The last copy that the thread sent; null before the first, and kept when the thread has gone. */
  metrics: TaskMetrics | null = null;
  /** Starts after a failure. */
  restarts = 0;
  private current: TaskState = { phase: 'unassigned' };
  private readonly options: SupervisorOptions;
  private thread: Worker | null = null;
  private paused = false;
  /** Distinguishes threads, so that a late event of an earlier one is not taken for the present one's. */
  private generation = 0;
  /** The present thread has said how it ended; its exit then is no event of its own. */
  private hasSpoken = false;
  private timer: NodeJS.Timeout | undefined;
  private killer: NodeJS.Timeout | undefined;
  private readonly idle: (() => void)[] = [];

  constructor(options: SupervisorOptions) {
    this.options = options;
  }

  get state(): TaskState {
    return this.current;
  }

  /** Starts, or restarts with the present configuration. */
  start(paused: boolean): void {
    this.paused = paused;
    this.happen({ type: 'start' });
  }

  /** Resolves when no thread is left. */
  async stop(): Promise<void> {
    this.happen({ type: 'stop' });
    if (this.thread !== null || this.current.phase !== 'unassigned')
      await new Promise<void>((resolve) => this.idle.push(resolve));
  }

  /** Pause or resume; a task that waits for its next attempt starts in the new state. */
  setPaused(paused: boolean): void {
    this.paused = paused;
    this.send({ type: paused ? 'pause' : 'resume' });
  }

  /** False if there is no thread to take it. */
  send(command: TaskCommand): boolean {
    this.thread?.postMessage(command);
    return this.thread !== null;
  }

  private happen(event: TaskEvent): void {
    const before = this.current;
    const after = next(before, event, this.options.policy());
    if (after === before) return;
    this.current = after;
    if (before.phase === 'waiting' && after.phase === 'starting') this.restarts++;
    clearTimeout(this.timer);
    this.options.onState(after);
    this.carryOut(after);
  }

  private carryOut(state: TaskState): void {
    switch (state.phase) {
      case 'starting':
        if (this.thread === null) void this.launch();
        return;
      case 'waiting':
        this.timer = setTimeout(() => this.happen({ type: 'due' }), state.delayMs);
        return;
      case 'stopping':
        this.endThread();
        return;
      case 'unassigned':
        if (this.thread === null) for (const resolve of this.idle.splice(0)) resolve();
    }
  }

  private async launch(): Promise<void> {
    const generation = ++this.generation;
    let start: TaskStart;
    try {
      start = await this.options.prepare();
    } catch (error) {
      if (generation === this.generation) this.happen({ type: 'exited', error: taskError(error) });
      return;
    }
    // A stop that came while the configuration was being read has already moved on.
    if (generation !== this.generation || this.current.phase !== 'starting') {
      if (this.current.phase === 'stopping') this.happen({ type: 'exited', error: null });
      return;
    }
    this.attach(start, generation);
  }

  private attach(start: TaskStart, generation: number): void {
    tuneHeap(sinksOf(start.config).includes('iceberg'));
    const thread = new Worker(this.options.script, {
      name: `${start.connector}-${start.task}`,
      workerData: { ...start, paused: this.paused } satisfies TaskStart,
      resourceLimits: {
        maxOldGenerationSizeMb: Math.ceil(this.options.heapBytes / 1024 / 1024),
        maxYoungGenerationSizeMb: YOUNG_GENERATION_MB,
      },
    });
    this.thread = thread;
    this.hasSpoken = false;
    let error: TaskError | null = null;
    thread.on('message', (report: TaskReport) => {
      if (generation === this.generation) this.take(report, start);
    });
    thread.on('messageerror', (cause) => (error = crash(cause)));
    thread.on('error', (cause) => (error = crash(cause)));
    thread.on('exit', (code) => {
      this.thread = null;
      this.afterExit(
        error ?? (code === 0 ? null : crash(new Error(`the task's thread ended with code ${code}`))),
      );
    });
  }

  private take(report: TaskReport, start: TaskStart): void {
    switch (report.type) {
      case 'state':
        this.happen({ type: 'reported', state: report.state });
        return;
      case 'failed':
        this.hasSpoken = true;
        this.happen({ type: 'failed', error: report.error });
        this.endLater(0);
        return;
      case 'stopped':
        if (!report.finished) return;
        this.hasSpoken = true;
        this.happen({ type: 'finished' });
        this.endLater(0);
        return;
      case 'offset':
        this.options.onOffset(start.offsetEpoch, report.partition, report.offset);
        this.happen({ type: 'durable' });
        return;
      case 'topics':
        this.options.onTopics(report.topics);
        return;
      case 'metrics':
        this.metrics = report.metrics as TaskMetrics;
        this.options.onMetrics(this.metrics);
    }
  }

  private afterExit(error: TaskError | null): void {
    clearTimeout(this.killer);
    const { phase } = this.current;
    // What ended the thread is known already; the state may even have moved on to the next attempt, which had to wait.
    if (this.hasSpoken && phase !== 'stopping') {
      if (phase === 'starting' || phase === 'unassigned') this.carryOut(this.current);
      return;
    }
    if (phase === 'unassigned') this.carryOut(this.current);
    this.happen({ type: 'exited', error: error ?? unexplained(this.current) });
  }

  /** Asks the thread to commit and end. */
  private endThread(): void {
    if (this.thread === null) return;
    this.send({ type: 'stop', timeoutMs: this.options.gracefulTimeoutMs });
    this.endLater(this.options.gracefulTimeoutMs);
  }

  private endLater(ms: number): void {
    const thread = this.thread;
    clearTimeout(this.killer);
    this.killer = setTimeout(() => {
      if (this.thread !== thread || thread === null) return;
      this.options.log.warn({ timeoutMs: ms }, 'task did not stop in time, its thread is ended');
      void thread.terminate();
    }, ms + STOP_GRACE_MS);
  }
}

/** A live thread that exits by itself with code 0 and without `failed` or `stopped` broke the protocol. */
function unexplained(state: TaskState): TaskError | null {
  const live = state.phase === 'starting' || state.phase === 'running' || state.phase === 'paused';
  return live ? crash(new Error("the task's thread ended without saying why")) : null;
}

function crash(cause: unknown): TaskError {
  const code = (cause as { code?: string } | null)?.code;
  return code === 'ERR_WORKER_OUT_OF_MEMORY'
    ? taskError(new IcestreamError('task.out-of-memory', 'the task used up its memory', { cause }))
    : taskError(new IcestreamError('task.crashed', "the task's thread died", { cause }));
}

/** An error as it crosses threads and as the status shows it. */
export function taskError(thrown: unknown): TaskError {
  const error = asIcestreamError(thrown);
  return {
    code: error.code,
    message: error.message,
    hint: error.hint,
    retry: error.retry,
    trace: traceOf(error),
  };
}

/**
 * The status's `trace`: code and message first, then what to do, then the stack with its causes, in the shape of a Java
 * trace ("Caused by:"), which is what people and tools search for.
 */
export function traceOf(error: IcestreamError): string {
  const context = Object.entries(error.context)
    .filter(([, value]) => value !== undefined && value !== null)
    .map(([name, value]) => `${name}=${value}`)
    .join(', ');
  const lines = [
    `${error.code}: ${error.message}${context === '' ? '' : ` (${context})`}`,
    `\t${error.hint}`,
  ];
  lines.push(...frames(error));
  const seen = new Set<unknown>([error]);
  for (let cause = error.cause; cause instanceof Error && !seen.has(cause); cause = cause.cause) {
    seen.add(cause);
    lines.push(`Caused by: ${cause.name}: ${cause.message}`, ...frames(cause));
  }
  return lines.join('\n');
}

function frames(error: Error): string[] {
  const stack = (error.stack ?? '').split('\n').filter((line) => line.trimStart().startsWith('at '));
  return stack.map((line) => `\t${line.trimStart()}`);
}
