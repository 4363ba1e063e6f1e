/**
 * A task thread without database or lake: speaks the protocol and does what its connector's `fake.behaviour` says.
 * Several words, separated by blanks, are used one per start; the last one stays.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { TaskMetrics } from '../../src/base/metrics.ts';
import type { TaskCommand, TaskReport, TaskStart } from '../../src/runtime/protocol.ts';

const start = workerData as TaskStart;
const port = parentPort!;
const behaviours = (start.config['fake.behaviour'] ?? 'run').split(' ');
const attempt = countAttempt();
const behaviour = behaviours[Math.min(attempt, behaviours.length - 1)]!;

port.on('message', (command: TaskCommand) => {
  if (command.type === 'pause') report({ type: 'state', state: 'PAUSED' });
  else if (command.type === 'resume') report({ type: 'state', state: 'RUNNING' });
  else if (command.type === 'signal')
    report({ type: 'topics', topics: [`${command.id}.${command.signal}.${command.data}`] });
  else if (command.type === 'stop' && behaviour !== 'ignore-stop') end();
});

behave();

function behave(): void {
  switch (behaviour) {
    case 'fail-backoff':
      return fail('postgres.connect', 'backoff');
    case 'fail-operator':
      return fail('postgres.auth', 'operator');
    case 'throw':
      throw new Error('thrown in the thread');
    case 'exit':
      process.exit(3);
      return;
    case 'leave':
      port.close();
      return;
    case 'memory': {
      const hoard: unknown[] = [];
      while (true) hoard.push(new Array(1000).fill(hoard.length).map(String));
    }
    case 'finish':
      report({ type: 'state', state: 'RUNNING' });
      report({ type: 'stopped', finished: true });
      port.close();
      return;
    default:
      run();
  }
}

/** `durable-then-fail`: healthy for a moment, then a failure that may pass. */
function run(): void {
  report({ type: 'state', state: start.paused ? 'PAUSED' : 'RUNNING' });

  const started = { epoch: start.offsetEpoch, resumed: start.offset?.['lsn'] ?? null, attempt };
  report({
    type: 'offset',
    partition: { server: start.config['topic.prefix'] ?? '' },
    offset: { lsn: 100 + attempt, ...started },
  });
  report({ type: 'metrics', metrics: sampleMetrics() });
  if (behaviour === 'durable-then-fail') fail('postgres.connect', 'backoff');
}

function sampleMetrics(): TaskMetrics {
  const metrics = new TaskMetrics();
  metrics.connected = true;
  metrics.milliSecondsBehindSource = 42;
  metrics.eventsSeen = 7;
  metrics.commits = 3;
  const table = metrics.table('public.t');
  table.rowsSnapshot = 2;
  table.rowsStreamed = 5;
  table.validThroughMicros = 1_700_000_000_000_000;
  return metrics;
}

function fail(code: string, retry: 'backoff' | 'operator'): void {
  report({
    type: 'failed',
    error: { code, message: `${code} happened`, hint: 'none', retry, trace: `${code}: trace ${attempt}` },
  });
  port.close();
}

function end(): void {
  report({ type: 'stopped', finished: false });
  port.close();
}

function report(message: TaskReport): void {
  port.postMessage(message);
}

function countAttempt(): number {
  mkdirSync(start.stateDir, { recursive: true });
  const path = join(start.stateDir, 'attempts');
  const count = existsSync(path) ? Number(readFileSync(path, 'utf8')) : 0;
  writeFileSync(path, String(count + 1));
  return count;
}
