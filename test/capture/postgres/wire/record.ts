/**
 * Records what a server sends for a fixed script, frame by frame as it came, for the decoder's unit tests:
 *
 *   node test/capture/postgres/wire/record.ts postgresql://postgres@127.0.0.1:5432/postgres
 *
 * Needs PostgreSQL 16 or later (it makes the server stream small transactions) and writes test/fixtures/postgres/.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { connectReplication, takeSocket } from '../../../../src/capture/postgres/connection.ts';
import { simpleQuery } from '../../../../src/capture/postgres/wire/frames.ts';

const SCHEMA = `
  DROP SCHEMA IF EXISTS recorded CASCADE; CREATE SCHEMA recorded;
  CREATE TABLE recorded.item (id int PRIMARY KEY, name text, price numeric(10,2), note text);
  ALTER TABLE recorded.item ALTER note SET STORAGE EXTERNAL;
  CREATE TABLE recorded.whole (id int, name text); ALTER TABLE recorded.whole REPLICA IDENTITY FULL;
  DROP PUBLICATION IF EXISTS recorded; CREATE PUBLICATION recorded FOR TABLES IN SCHEMA recorded`;

/** One transaction each. */
const PLAIN = [
  "INSERT INTO recorded.item VALUES (1, 'a', 1.50, NULL), (2, 'b', NULL, repeat('n', 3000))",
  "UPDATE recorded.item SET name = 'c' WHERE id = 2",
  'UPDATE recorded.item SET id = 3 WHERE id = 1',
  "INSERT INTO recorded.whole VALUES (1, 'a'); UPDATE recorded.whole SET name = NULL; DELETE FROM recorded.whole",
  "SELECT pg_logical_emit_message(true, 'greeting', 'hello')",
  "SELECT pg_logical_emit_message(false, 'greeting', 'alone')",
  'DELETE FROM recorded.item WHERE id = 3; TRUNCATE recorded.item',
];

const STREAMED = [
  `INSERT INTO recorded.whole VALUES (1, 'kept'); SAVEPOINT s; INSERT INTO recorded.whole VALUES (2, 'rolled back');
   ROLLBACK TO SAVEPOINT s; INSERT INTO recorded.whole VALUES (3, 'kept')`,
];

const url = new URL(process.argv[2] ?? 'postgresql://postgres@127.0.0.1:5432/postgres');
const client = new Client({ connectionString: url.href });
await client.connect();
await client.query(SCHEMA);
await record('plain', PLAIN, false);
await record('streamed', STREAMED, true);
await client.query('DROP SCHEMA recorded CASCADE; DROP PUBLICATION recorded');
await client.end();

async function record(name: string, script: readonly string[], streamed: boolean): Promise<void> {
  const replication = await connectReplication({
    host: url.hostname,
    port: Number(url.port),
    user: url.username,
    password: url.password,
    database: url.pathname.slice(1),
    applicationName: 'record',
    sslMode: 'disable',
    sslCert: '',
    sslKey: '',
    sslPassword: '',
    sslRootCert: '',
    tcpKeepAlive: true,
    connectTimeoutMs: 10_000,
    initialStatements: [],
  });
  if (streamed) await replication.query("SET debug_logical_replication_streaming = 'immediate'");
  await replication.query('CREATE_REPLICATION_SLOT recorded TEMPORARY LOGICAL pgoutput');
  const { rows } = await client.query(
    "SELECT restart_lsn FROM pg_replication_slots WHERE slot_name = 'recorded'",
  );
  for (const statement of script) await client.query(`BEGIN; ${statement}; COMMIT`);
  await client.query("SELECT pg_logical_emit_message(true, 'end', 'end of the recording')");
  const socket = takeSocket(replication);
  const chunks: Buffer[] = [];
  const finished = new Promise<void>((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      if (chunk.includes('end of the recording')) resolve();
    });
  });
  socket.write(
    simpleQuery(
      `START_REPLICATION SLOT recorded LOGICAL ${rows[0].restart_lsn}
       (proto_version '4', publication_names 'recorded', messages 'true', streaming 'on', binary 'true')`,
    ),
  );
  await finished;
  socket.destroy();
  const folder = join(import.meta.dirname, '../../../fixtures/postgres');
  mkdirSync(folder, { recursive: true });
  const bytes = Buffer.concat(chunks);
  writeFileSync(join(folder, `pgoutput-${name}.bin`), bytes.subarray(bytes.indexOf('d')));
  console.log(`${name}: ${bytes.length} bytes`);
}
