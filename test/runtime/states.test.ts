import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { RetryClass } from '../../src/base/errors.ts';
import { next, type RetryPolicy, shown, type TaskEvent, type TaskState } from '../../src/runtime/states.ts';

const POLICY: RetryPolicy = { retriesMax: -1, delayMs: 500, delayMsMax: 10_000 };
const error = (retry: RetryClass) => ({
  code: 'c',
  message: 'm',
  hint: 'h',
  retry,
  trace: `trace of ${retry}`,
});
const failed = (retry: RetryClass): TaskEvent => ({ type: 'failed', error: error(retry) });
const RUNNING: TaskEvent = { type: 'reported', state: 'RUNNING' };
const GONE: TaskEvent = { type: 'exited', error: null };

function after(
  events: readonly TaskEvent[],
  policy = POLICY,
  from: TaskState = { phase: 'unassigned' },
): TaskState {
  return events.reduce((state, event) => next(state, event, policy), from);
}

test('a task starts, runs, pauses, resumes and stops', () => {
  const events: [TaskEvent, string][] = [
    [{ type: 'start' }, 'UNASSIGNED'],
    [RUNNING, 'RUNNING'],
    [{ type: 'reported', state: 'PAUSED' }, 'PAUSED'],
    [RUNNING, 'RUNNING'],
    [{ type: 'stop' }, 'UNASSIGNED'],
    [GONE, 'UNASSIGNED'],
  ];
  let state: TaskState = { phase: 'unassigned' };
  for (const [event, word] of events)
    assert.equal(shown((state = next(state, event, POLICY))).state, word, event.type);
  assert.deepEqual(state, { phase: 'unassigned' });
});

test('what may pass is tried again, each time later, up to the limit', () => {
  const delays: number[] = [];
  let state = after([{ type: 'start' }]);
  for (let i = 0; i < 7; i++) {
    state = next(state, failed('backoff'), POLICY);
    assert.deepEqual(shown(state), { state: 'RESTARTING', trace: 'trace of backoff' });
    delays.push((state as { delayMs: number }).delayMs);
    state = after([{ type: 'due' }, RUNNING], POLICY, state);
  }
  assert.deepEqual(delays, [500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
});

test('running again is no sign of health, a durable offset is', () => {
  const state = after([{ type: 'start' }, failed('backoff'), { type: 'due' }, RUNNING]);
  assert.equal((state as { retries: number }).retries, 1);
  assert.equal((next(state, { type: 'durable' }, POLICY) as { retries: number }).retries, 0);
});

test('errors.max.retries ends it', () => {
  const policy = { ...POLICY, retriesMax: 2 };
  const once: TaskEvent[] = [failed('backoff'), { type: 'due' }, RUNNING];
  const state = after([{ type: 'start' }, ...once, ...once, failed('backoff')], policy);
  assert.deepEqual(shown(state), { state: 'FAILED', trace: 'trace of backoff' });
  assert.equal(after([{ type: 'start' }, failed('backoff')], { ...POLICY, retriesMax: 0 }).phase, 'failed');
});

test('what an operator must mend stays failed until it is restarted by hand', () => {
  for (const retry of ['operator', 'never'] as const) {
    const state = after([{ type: 'start' }, RUNNING, failed(retry), GONE, { type: 'due' }, RUNNING]);
    assert.deepEqual(shown(state), { state: 'FAILED', trace: `trace of ${retry}` });
    assert.deepEqual(next(state, { type: 'start' }, POLICY), { phase: 'starting', retries: 0, trace: null });
  }
});

test('a restart waits for the thread to go', () => {
  const state = after([{ type: 'start' }, RUNNING, { type: 'start' }]);
  assert.deepEqual(state, { phase: 'stopping', toward: 'start' });
  assert.equal(shown(state).state, 'RESTARTING');
  assert.deepEqual(next(state, GONE, POLICY), { phase: 'starting', retries: 0, trace: null });
  assert.deepEqual(
    after([{ type: 'stop' }, GONE], POLICY, state),
    { phase: 'unassigned' },
    'stop overrules restart',
  );
});

test('a thread that dies fails its task; one that was stopping is simply gone', () => {
  const died: TaskEvent = { type: 'exited', error: error('never') };
  assert.equal(after([{ type: 'start' }, RUNNING, died]).phase, 'failed');
  assert.equal(after([{ type: 'start' }, RUNNING, { type: 'stop' }, died]).phase, 'unassigned');
});

test('a task whose work is done is shown RUNNING and can be started anew', () => {
  const state = after([{ type: 'start' }, RUNNING, { type: 'finished' }, GONE]);
  assert.deepEqual(shown(state), { state: 'RUNNING', trace: null });
  assert.equal(next(state, { type: 'start' }, POLICY).phase, 'starting');
});

test('any order of events keeps to the rules', () => {
  const event: fc.Arbitrary<TaskEvent> = fc.oneof(
    fc.constantFrom<TaskEvent>({ type: 'start' }, { type: 'stop' }, RUNNING, {
      type: 'reported',
      state: 'PAUSED',
    }),
    fc.constantFrom<TaskEvent>({ type: 'durable' }, { type: 'finished' }, { type: 'due' }, GONE),
    fc.constantFrom<TaskEvent>(failed('backoff'), failed('operator'), {
      type: 'exited',
      error: error('never'),
    }),
  );
  fc.assert(
    fc.property(fc.array(event, { maxLength: 30 }), (events) => {
      let state: TaskState = { phase: 'unassigned' };
      for (const each of events) {
        const before: TaskState = state;
        state = next(before, each, POLICY);
        if (each.type === 'stop') assert.ok(['stopping', 'unassigned'].includes(state.phase));
        if (before.phase === 'failed' && each.type !== 'start' && each.type !== 'stop')
          assert.equal(state, before);
        if (state.phase === 'waiting')
          assert.ok(state.delayMs >= 500 && state.delayMs <= 10_000 && state.retries > 0);
        assert.equal(
          shown(state).trace === null,
          !['failed', 'waiting'].includes(state.phase) && !isRetry(state),
        );
      }
      const ended = after([{ type: 'stop' }, GONE], POLICY, state);
      assert.deepEqual(ended, { phase: 'unassigned' }, 'a stop always comes to its end');
    }),
  );
});

function isRetry(state: TaskState): boolean {
  return state.phase === 'starting' && state.trace !== null;
}
