import type { TaskError } from './protocol.ts';

/**
 * The life of one task as seen by its supervisor. None of it is stored but what `shown` makes of it; after a restart of
 * the process every task that its connector's target state wants begins at `unassigned`.
 *
 * `retries` counts the attempts since the last sign of health, a durable offset: a task that connects and fails again
 * at once does not start over with short delays.
 */
export type TaskState =
  /** No thread: never started, or stopped. Set at creation and when a stopping thread has gone. */
  | { readonly phase: 'unassigned' }
  /** A thread is wanted or loading and has not reported yet. `trace`: why the previous attempt failed. */
  | { readonly phase: 'starting'; readonly retries: number; readonly trace: string | null }
  /** The thread said so. A paused task keeps its thread, its session and its slot. */
  | { readonly phase: 'running' | 'paused'; readonly retries: number }
  /** Failed by something that may pass; the next attempt begins after `delayMs`. */
  | { readonly phase: 'waiting'; readonly retries: number; readonly delayMs: number; readonly trace: string }
  /** Failed until somebody restarts it. */
  | { readonly phase: 'failed'; readonly error: TaskError }
  /** Its work is done (snapshot.mode=initial_only); no thread. */
  | { readonly phase: 'finished' }
  /** Told to stop; what follows when the thread has gone. */
  | { readonly phase: 'stopping'; readonly toward: 'start' | 'end' };

export type TaskEvent =
  /** Start, or start anew with the present configuration. */
  | { readonly type: 'start' }
  | { readonly type: 'stop' }
  | { readonly type: 'reported'; readonly state: 'RUNNING' | 'PAUSED' }
  | { readonly type: 'durable' }
  | { readonly type: 'finished' }
  | { readonly type: 'failed'; readonly error: TaskError }
  /** The thread has gone; `error` when it went without a word. */
  | { readonly type: 'exited'; readonly error: TaskError | null }
  /** The delay of `waiting` is over. */
  | { readonly type: 'due' };

export interface RetryPolicy {
  /** errors.max.retries; negative: no limit. */
  readonly retriesMax: number;
  /** The first delay; doubles with every attempt. */
  readonly delayMs: number;
  /** retriable.restart.connector.wait.ms: no delay is longer. */
  readonly delayMsMax: number;
}

/** The first delay after a failure. */
const FIRST_RETRY_MS = 500;

/** Debezium's names: errors.max.retries (-1 no limit) and retriable.restart.connector.wait.ms, here the longest delay. */
export function retryPolicy(config: Readonly<Record<string, string>>): RetryPolicy {
  const delayMsMax = whole(config['retriable.restart.connector.wait.ms'], 10_000);
  return {
    retriesMax: whole(config['errors.max.retries'], -1),
    delayMs: Math.min(FIRST_RETRY_MS, delayMsMax),
    delayMsMax,
  };
}

/** How long to wait after a failure that `retries` others in a row came before. */
export function retryDelayMs({ delayMs, delayMsMax }: RetryPolicy, retries: number): number {
  return Math.min(delayMs * 2 ** retries, delayMsMax);
}

function whole(text: string | undefined, fallback: number): number {
  const value = text === undefined || text.trim() === '' ? Number.NaN : Number(text);
  return Number.isInteger(value) ? value : fallback;
}

/** The state after `event`. Returns `state` itself where the event changes nothing. */
export function next(state: TaskState, event: TaskEvent, policy: RetryPolicy): TaskState {
  switch (event.type) {
    case 'start':
      return hasThread(state) ? stopping(state, 'start') : { phase: 'starting', retries: 0, trace: null };
    case 'stop':
      return hasThread(state) ? stopping(state, 'end') : { phase: 'unassigned' };
    case 'reported':
      return reported(state, event.state);
    case 'durable':
      return isUp(state) && state.retries > 0 ? { ...state, retries: 0 } : state;
    case 'finished':
      return isLive(state) ? { phase: 'finished' } : state;
    case 'failed':
      return isLive(state) ? failed(state.retries, event.error, policy) : state;
    case 'exited':
      return exited(state, event.error, policy);
    case 'due':
      return state.phase === 'waiting'
        ? { phase: 'starting', retries: state.retries, trace: state.trace }
        : state;
  }
}

type LiveState = Extract<TaskState, { retries: number; phase: 'starting' | 'running' | 'paused' }>;

/** Its thread is expected to work. */
function isLive(state: TaskState): state is LiveState {
  return state.phase === 'starting' || isUp(state);
}

function isUp(state: TaskState): state is Extract<TaskState, { phase: 'running' | 'paused' }> {
  return state.phase === 'running' || state.phase === 'paused';
}

function hasThread(state: TaskState): boolean {
  return isLive(state) || state.phase === 'stopping';
}

function stopping(state: TaskState, toward: 'start' | 'end'): TaskState {
  return state.phase === 'stopping' && state.toward === toward ? state : { phase: 'stopping', toward };
}

function reported(state: TaskState, word: 'RUNNING' | 'PAUSED'): TaskState {
  const phase = word === 'RUNNING' ? 'running' : 'paused';
  if (!isLive(state) || state.phase === phase) return state;
  return { phase, retries: state.retries };
}

function failed(retries: number, error: TaskError, policy: RetryPolicy): TaskState {
  const exhausted = policy.retriesMax >= 0 && retries >= policy.retriesMax;
  if (error.retry !== 'backoff' || exhausted) return { phase: 'failed', error };
  const delayMs = retryDelayMs(policy, retries);
  return { phase: 'waiting', retries: retries + 1, delayMs, trace: error.trace };
}

function exited(state: TaskState, error: TaskError | null, policy: RetryPolicy): TaskState {
  if (state.phase === 'stopping')
    return state.toward === 'start'
      ? { phase: 'starting', retries: 0, trace: null }
      : { phase: 'unassigned' };
  if (!isLive(state)) return state;
  return error === null ? { phase: 'unassigned' } : failed(state.retries, error, policy);
}

export type ShownState = 'UNASSIGNED' | 'RUNNING' | 'PAUSED' | 'FAILED' | 'RESTARTING' | 'STOPPED';

/** The state in Connect's words. A task whose work is done stays RUNNING, as Debezium's do. */
export function shown(state: TaskState): { readonly state: ShownState; readonly trace: string | null } {
  switch (state.phase) {
    case 'unassigned':
      return { state: 'UNASSIGNED', trace: null };
    case 'starting':
      return { state: state.trace === null ? 'UNASSIGNED' : 'RESTARTING', trace: state.trace };
    case 'running':
    case 'finished':
      return { state: 'RUNNING', trace: null };
    case 'paused':
      return { state: 'PAUSED', trace: null };
    case 'waiting':
      return { state: 'RESTARTING', trace: state.trace };
    case 'failed':
      return { state: 'FAILED', trace: state.error.trace };
    case 'stopping':
      return { state: state.toward === 'start' ? 'RESTARTING' : 'UNASSIGNED', trace: null };
  }
}
