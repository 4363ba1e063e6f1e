import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readWorkerConfig } from '../../src/runtime/worker-config.ts';

const read = (properties: Record<string, string>) => readWorkerConfig(properties, { LEVEL: 'debug' });

test('without a file everything has a default', () => {
  const worker = read({});
  assert.deepEqual(worker.listeners, [{ protocol: 'http', host: '127.0.0.1', port: 8083 }]);
  assert.equal(worker.stateDir, './.icestream');
  assert.equal(worker.memoryBytes, 268_435_456);
  assert.equal(worker.gracefulTimeoutMs, 5000);
  assert.equal(worker.adminListeners, null);
  assert.deepEqual(worker.notes, []);
});

test('listeners in all their forms', () => {
  const hosts = (listeners: string) =>
    read({ listeners }).listeners.map(({ protocol, host, port }) => [protocol, host, port]);
  assert.deepEqual(hosts('HTTP://:8083'), [['http', '', 8083]]);
  assert.deepEqual(hosts('http://0.0.0.0:80, https://[::1]:8443/'), [
    ['http', '', 80],
    ['https', '::1', 8443],
  ]);
  assert.deepEqual(read({ 'rest.host.name': 'h', 'rest.port': '99' }).listeners, [
    { protocol: 'http', host: 'h', port: 99 },
  ]);
  assert.deepEqual(read({ 'admin.listeners': '' }).adminListeners, [], 'empty means nowhere');
  assert.equal(read({ 'admin.listeners': 'http://x:1' }).adminListeners!.length, 1);
});

test('a wrong value names its property', () => {
  for (const [name, value] of [
    ['listeners', 'localhost:8083'],
    ['listeners', ''],
    ['listeners', 'http://h:99999'],
    ['rest.port', 'x'],
    ['task.shutdown.graceful.timeout.ms', '-1'],
    ['icestream.memory.bytes', '12'],
    ['icestream.log.level', 'loud'],
    ['topic.tracking.enable', 'maybe'],
  ] as const)
    assert.throws(
      () => read({ [name]: value }),
      { code: 'config.invalid', context: { property: name } },
      name,
    );
});

test('references of the worker file are resolved', () => {
  assert.equal(read({ 'icestream.log.level': '$' + '{env:LEVEL}' }).logLevel, 'debug');
});

test('what is ignored or unknown is noted once', () => {
  const { notes } = read({
    'bootstrap.servers': 'k:9092',
    'plugin.path': '/p',
    'icestream.stat.dir': 'x',
    'icestream.zzzzzz': '1',
    'group.id': 'g',
    'key.converter': 'x',
  });
  assert.equal(notes.length, 4);
  assert.match(notes[0]!, /changes are published there/);
  assert.match(notes[1]!, /^plugin\.path is ignored/);
  assert.match(notes[2]!, /did you mean icestream\.state\.dir\?$/);
  assert.match(notes[3]!, /^icestream\.zzzzzz is unknown$/);
});
