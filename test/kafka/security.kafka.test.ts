import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseSecurity } from '../../src/kafka/security.ts';
import { startKafka } from '../services/kafka.ts';
import { NO_HEADERS, openProducer, TIME } from './producers.ts';
import { readTopics } from './read-topics.ts';

const PEM = fileURLToPath(new URL('../fixtures/tls/server.pem', import.meta.url));
const signal = AbortSignal.timeout(110_000);

// Whoever comes without a login may everything, `guest` may nothing but log in.
const broker = await startKafka({
  sasl: { user: 'guest', password: 'pass word' },
  tls: { keyStore: PEM },
  settings: {
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users': 'User:ANONYMOUS',
  },
});
after(() => broker.stop());

function login(mechanism: string, password: string) {
  const jaas = `any.LoginModule required username="guest" password="${password}";`;
  const properties = {
    'security.protocol': 'SASL_PLAINTEXT',
    'sasl.mechanism': mechanism,
    'sasl.jaas.config': jaas,
  };
  return { security: parseSecurity(properties), bootstrapServers: [broker.saslBootstrap] };
}

for (const mechanism of ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']) {
  test(`${mechanism}: who logs in but lacks the right is told so`, async (t) => {
    const opened = openProducer(t, broker.bootstrap, login(mechanism, 'pass word'));
    await assert.rejects(opened, { code: 'kafka.rights' });
  });

  test(`${mechanism}: a wrong password ends the opening at once`, async (t) => {
    const opened = openProducer(t, broker.bootstrap, login(mechanism, 'wrong'));
    await assert.rejects(opened, (error: Error & { code: string }) => {
      assert.equal(error.code, 'kafka.auth');
      assert.match(error.message, new RegExp(`^${broker.saslBootstrap} refused the login: `));
      return true;
    });
  });
}

test('a topic that may not be written to is named', async (t) => {
  // Without idempotence a producer needs no right until it writes.
  const guest = await openProducer(t, broker.bootstrap, {
    ...login('PLAIN', 'pass word'),
    idempotent: false,
  });
  await assert.rejects(guest.prepare('secret', signal), (error: Error & { code: string }) => {
    assert.equal(error.code, 'kafka.rights');
    assert.match(error.message, /secret/);
    return true;
  });
});

test('records go through TLS to a broker whose certificate is trusted', async (t) => {
  const ca = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/.exec(
    readFileSync(PEM, 'utf8'),
  )![0];
  const security = parseSecurity({ 'security.protocol': 'SSL', 'ssl.truststore.certificates': ca });
  const options = { security, bootstrapServers: [broker.tlsBootstrap] };
  const producer = await openProducer(t, broker.bootstrap, options);
  await producer.prepare('encrypted', signal);
  for (let i = 0; i < 1000; i++) producer.send('encrypted', null, Buffer.alloc(2000, i), NO_HEADERS, TIME);
  await producer.flush(signal);
  const records = await readTopics(broker.bootstrap, ['encrypted']);
  assert.equal(records.length, 1000);
  assert.ok(records.every((it, i) => it.value!.equals(Buffer.alloc(2000, i))));
});

test('a certificate that is not trusted, and a broker without TLS, end the opening', async (t) => {
  const security = parseSecurity({ 'security.protocol': 'SSL' });
  const untrusted = { security, bootstrapServers: [broker.tlsBootstrap] };
  await assert.rejects(openProducer(t, broker.bootstrap, untrusted), { code: 'kafka.tls' });
  await assert.rejects(openProducer(t, broker.bootstrap, { security }), { code: 'kafka.tls' });
});
