import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { send, startWorker } from './worker.ts';

/** Further recorded answers, of Connect 4.1, that do not depend on what connectors there are. */
const RECORDED = [
  ...[
    '004-health',
    '005-connectors-empty',
    '013-validate-noclass',
    '014-validate-mismatch',
    '015-validate-unknown',
  ],
  ...['020-create-badjson', '021-create-noclass', '023-create-namemismatch', '025-create-unknownfield'],
  ...['026-create-nested', '027-create-wrongct', '029-create-unknownclass', '032-badstate', '064-patch-404'],
  ...['07-DELETE__connectors_nope', '07-DELETE__connectors_nope_offsets', '07-GET__admin_loggers_org_foo'],
  ...['07-GET__connector_plugins_Nope_config', '07-GET__connectors_nope', '07-GET__connectors_nope_config'],
  ...['07-GET__connectors_nope_offsets', '07-GET__connectors_nope_status', '07-GET__connectors_nope_tasks'],
  ...[
    '07-GET__connectors_nope_topics',
    '07-GET__nosuch',
    '07-OPTIONS__connectors',
    '07-POST__connector_plugins',
  ],
  ...['07-POST__connectors_nope_restart', '07-POST__connectors_nope_restart_includeTasks_true'],
  ...['07-PUT__connectors_nope_pause', '07-PUT__connectors_nope_resume', '07-PUT__connectors_nope_stop'],
  ...['07-PUT__connectors_nope_topics_reset', '080-logger-put', '081-logger-put-bad', '082-logger-put-none'],
  '083-logger-put-cluster',
];

const worker = await startWorker();
after(() => worker.close());

for (const name of RECORDED) {
  test(`recorded ${name}`, async () => {
    const { method, path, body, headers, status, type, answer } = read(name);
    const actual = await send(worker.url, method, path, body, headers);
    assert.equal(actual.status, status);
    assert.equal(actual.headers.get('content-type'), type);
    assert.equal(comparable(actual.text), comparable(answer));
  });
}

function read(name: string) {
  const path = fileURLToPath(new URL(`../fixtures/rest/recorded/${name}.http`, import.meta.url));
  const text = readFileSync(path, 'utf8').replaceAll('\r', '');
  const [, method, target] = /^# (\S+) (\S+)/.exec(text)!;
  const body = /^# body: (.*)$/m.exec(text)?.[1];
  const response = text.slice(text.indexOf('HTTP/1.1'));
  const end = response.indexOf('\n\n');
  const head = response.slice(0, end);
  const isForm = body !== undefined && !body.startsWith('{');
  return {
    method: method!,
    path: target!,
    body,
    headers: (isForm && name.includes('wrongct')
      ? { 'Content-Type': 'application/x-www-form-urlencoded' }
      : {}) as Record<string, string>,
    status: Number(/^HTTP\/1.1 (\d+)/.exec(head)![1]),
    type: /^Content-Type: (.*)$/m.exec(head)?.[1]?.trim() ?? null,
    answer: response.slice(end).trim(),
  };
}

/** Connect 4.1's parser put a bracket too many into one text, and counted columns otherwise. */
function comparable(text: string): string {
  return text
    .replace(/(available connectors are: ).*/s, '$1<plugins>')
    .replace(/line: \d+, column: \d+/, '<place>')
    .replace('"initial_state\\"])', '"initial_state\\")');
}
