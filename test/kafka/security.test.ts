import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { producerOptions } from '../../src/kafka/producer-config.ts';
import { parseSecurity } from '../../src/kafka/security.ts';

const PEM = fileURLToPath(new URL('../fixtures/tls/server.pem', import.meta.url));
const SCRAM = 'org.apache.kafka.common.security.scram.ScramLoginModule required';

test('credentials are read from sasl.jaas.config as Java reads it', () => {
  const cases: [jaas: string, username: string, password: string][] = [
    [`${SCRAM} username="alice" password="it's; \\"quoted\\" \\\\";`, 'alice', 'it\'s; "quoted" \\'],
    [`${SCRAM}\n  username='bob'\n  password='p=w';`, 'bob', 'p=w'],
    [`${SCRAM} username=carol password=secret;`, 'carol', 'secret'],
    [`${SCRAM} username="" password="";`, '', ''],
  ];
  for (const [jaas, username, password] of cases) {
    const properties = {
      'security.protocol': 'SASL_PLAINTEXT',
      'sasl.mechanism': 'SCRAM-SHA-512',
      'sasl.jaas.config': jaas,
    };
    const { sasl, tls } = parseSecurity(properties);
    assert.deepEqual(sasl, { mechanism: 'SCRAM-SHA-512', username, password });
    assert.equal(tls, null);
  }
});

test('TLS takes PEM files, text in the properties, and no check of the name where that is asked for', () => {
  const file = parseSecurity({ 'security.protocol': 'SSL', 'ssl.truststore.location': PEM }).tls!;
  assert.match(String(file.ca), /BEGIN CERTIFICATE/);
  assert.equal(file.checkServerIdentity, undefined);
  assert.deepEqual([file.minVersion, file.maxVersion], ['TLSv1.2', 'TLSv1.3']);
  const inline = parseSecurity({
    'security.protocol': 'ssl',
    'ssl.truststore.certificates': 'CERTIFICATES',
    'ssl.keystore.key': 'KEY',
    'ssl.keystore.certificate.chain': 'CHAIN',
    'ssl.key.password': 'secret',
    'ssl.endpoint.identification.algorithm': '',
    'ssl.enabled.protocols': 'TLSv1.3',
  }).tls!;
  assert.deepEqual(
    [inline.ca, inline.key, inline.cert, inline.passphrase],
    ['CERTIFICATES', 'KEY', 'CHAIN', 'secret'],
  );
  assert.equal(inline.minVersion, 'TLSv1.3');
  assert.ok(inline.checkServerIdentity);
});

test('what cannot be used is refused with the property, never with its value', () => {
  const sasl = { 'security.protocol': 'SASL_SSL', 'sasl.mechanism': 'PLAIN' };
  const cases: [Record<string, string>, string][] = [
    [{ 'security.protocol': 'TLS' }, 'security.protocol'],
    [{ 'security.protocol': 'SASL_PLAINTEXT' }, 'sasl.mechanism'],
    [{ ...sasl, 'sasl.jaas.config': 'x required password="hunter2";' }, 'sasl.jaas.config'],
    [{ 'security.protocol': 'SSL', 'ssl.truststore.location': '/nowhere' }, 'ssl.truststore.location'],
    [{ 'security.protocol': 'SSL', 'ssl.truststore.location': '/dev/null' }, 'ssl.truststore.location'],
    [{ 'bootstrap.servers': 'broker' }, 'bootstrap.servers'],
    [{ 'compression.type': 'brotli' }, 'compression.type'],
    [{ 'linger.ms': 'soon' }, 'linger.ms'],
  ];
  for (const [properties, property] of cases) {
    assert.throws(
      () => producerOptions({ 'bootstrap.servers': 'localhost:9092', ...properties }),
      (error: Error & { code: string; context: Record<string, unknown> }) => {
        assert.equal(error.code, 'config.invalid');
        assert.equal(error.context['property'], property);
        assert.doesNotMatch(error.message, /hunter2/);
        return true;
      },
    );
  }
});

test('options have the names and defaults of Kafka and Connect', () => {
  const options = producerOptions({
    'bootstrap.servers': 'PLAINTEXT://a:1, [::1]:9092',
    'batch.size': '16384',
    other: 'x',
  });
  assert.deepEqual(options.bootstrapServers, ['a:1', '[::1]:9092']);
  assert.equal(options.batchBytes, 16_384);
  assert.equal(options.maxRequestBytes, 1_048_576);
  assert.equal(options.deliveryTimeoutMs, 2_147_483_647);
  assert.deepEqual([options.compression, options.zstdLevel, options.maxInFlight], ['none', 3, 5]);
  assert.equal(producerOptions({ 'bootstrap.servers': 'a:1', 'enable.idempotence': 'false' }).maxInFlight, 1);
});
