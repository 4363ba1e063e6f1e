import pino from 'pino';
import { IcestreamError } from '../../base/errors.ts';
import type { ConnectorConfig } from '../source.ts';
import { type PostgresConfig, parsePostgresConfig } from './config.ts';
import { connect } from './connection.ts';
import { createFilters } from './filters.ts';
import { readServer, type ServerFacts } from './server.ts';
import { connectOptions, hasLake, idColumns } from './settings.ts';
import { Tables } from './tables.ts';

/** Messages by property, in Debezium's words; what only a lake asks for is checked only where there is one (C-2). */
export async function validatePostgres(
  raw: ConnectorConfig,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const { config, errors } = parsePostgresConfig(raw);
  if (errors.size > 0) {
    return new Map(
      [...errors].map(([name, reasons]) => [
        name,
        reasons.map((reason) => `The '${name}' value is invalid: ${reason}`),
      ]),
    );
  }
  const problem = await tryServer(config, signal);
  // Debezium shows whatever the connection says at the host's name.
  if (problem !== null) {
    return new Map([['database.hostname', [`Error while validating connector config: ${problem}`]]]);
  }
  return hasLake(raw) ? await tryTables(raw, config, signal) : new Map();
}

/** What is wrong with the server or the way to it, or null. */
async function tryServer(config: PostgresConfig, signal: AbortSignal): Promise<string | null> {
  try {
    const client = await connect(connectOptions(config, 'validation'), signal);
    try {
      return serverProblem(await readServer(client));
    } finally {
      await client.end();
    }
  } catch (error) {
    signal.throwIfAborted();
    return connectionProblem(error, config);
  }
}

function serverProblem(server: ServerFacts): string | null {
  if (server.walLevel !== 'logical') {
    return `Postgres server wal_level property must be 'logical' but is: '${server.walLevel}'`;
  }
  if (!server.mayReplicate) {
    return `Postgres roles LOGIN and REPLICATION are not assigned to user: ${server.user}`;
  }
  return null;
}

function connectionProblem(error: unknown, config: PostgresConfig): string {
  const { cause } = error as { cause?: { code?: string; severity?: string; message?: string } };
  const address = `${config['database.hostname']}:${config['database.port']}`;
  if (cause?.code === 'ECONNREFUSED') {
    return `Connection to ${address} refused. Check that the hostname and port are correct and that the postmaster is accepting TCP/IP connections.`;
  }
  if (cause?.severity !== undefined) return `${cause.severity}: ${cause.message}`;
  if (cause?.code === 'ENOTFOUND' || cause?.code === 'EAI_AGAIN') {
    return `The connection attempt failed. The name ${config['database.hostname']} is not known.`;
  }
  return error instanceof Error ? error.message : String(error);
}

/** The property that a problem with the tables is shown at. */
function propertyOf(error: IcestreamError, raw: ConnectorConfig): string {
  const own = `iceberg.table.${error.context['table']}.id-columns`;
  if (raw[own] !== undefined) return own;
  if (raw['iceberg.tables.default-id-columns'] !== undefined) return 'iceberg.tables.default-id-columns';
  if (raw['message.key.columns'] !== undefined) return 'message.key.columns';
  return 'table.include.list';
}

function invalid(error: IcestreamError, raw: ConnectorConfig): ReadonlyMap<string, readonly string[]> {
  const property = propertyOf(error, raw);
  return new Map([[property, [`The '${property}' value is invalid: ${error.message}. ${error.hint}`]]]);
}

/** L-9: a key must exist and be part of what deletes carry; better known now than at the first delete. */
async function tryTables(
  raw: ConnectorConfig,
  config: PostgresConfig,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const options = connectOptions(config, 'validation');
  const tables = new Tables({
    config,
    filters: createFilters(config),
    connect: (stop) => connect(options, stop),
    keyOverride: (table) => idColumns(raw, table),
    lake: true,
    events: false,
    log: pino({ level: 'silent' }),
    signal,
  });
  try {
    const faults = (await tables.discover()).map(({ fault }) => fault ?? null);
    const fault = faults.find((candidate) => candidate !== null);
    return fault === undefined ? new Map() : invalid(fault, raw);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof IcestreamError)) throw error;
    return invalid(error, raw);
  } finally {
    await tables.close();
  }
}
