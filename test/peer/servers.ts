import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { Service } from '../harness/service.ts';
import { startPostgres } from '../services/postgres.ts';

/** Something that was started for recordings, and how it ends. */
export interface Started {
  readonly url: string;
  stop(): Promise<void>;
}

/** A PostgreSQL of the version and a database of the name that the recordings were made with: both stand in the events. */
export async function startDatabase(): Promise<Started> {
  const server = await startPostgres({ version: 15 });
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  await client.query('CREATE DATABASE golden');
  await client.end();
  return { url: server.url.replace(/\/postgres$/, '/golden'), stop: () => server.stop() };
}

/** Our service, told of the broker as a Connect worker is. */
export async function startOurs(bootstrap: string): Promise<Started> {
  const folder = await mkdtemp(join(tmpdir(), 'icestream-peer-'));
  const json = 'org.apache.kafka.connect.json.JsonConverter';
  const worker = { 'bootstrap.servers': bootstrap, 'key.converter': json, 'value.converter': json };
  const service = await Service.start({ folder, worker });
  const stop = async () => {
    await service.stop();
    if (!process.env['ICESTREAM_TEST_KEEP']) await rm(folder, { recursive: true, force: true });
  };
  return { url: service.url, stop };
}
