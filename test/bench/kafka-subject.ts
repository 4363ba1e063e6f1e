import { readFileSync } from 'node:fs';
import { ConnectClient } from '../peer/connect-client.ts';
import { startConnect } from '../services/connect.ts';
import { type BenchDatabase, BenchService, sourceConfig } from './harness.ts';

export type SubjectName = 'Debezium' | 'icestream';

/** A service under measurement, in a process of its own that was started for one run. */
export interface Subject {
  readonly connect: ConnectClient;
  /** User and system time of the process so far. */
  readonly cpuSeconds: number;
  readonly peakRssMb: number;
  stop(): Promise<void>;
}

export async function startSubject(name: SubjectName, bootstrap: string): Promise<Subject> {
  return name === 'Debezium' ? startDebezium(bootstrap) : startIcestream(bootstrap);
}

async function startIcestream(bootstrap: string): Promise<Subject> {
  const service = await BenchService.start({ 'bootstrap.servers': bootstrap });
  return {
    connect: new ConnectClient(service.url),
    get cpuSeconds() {
      return service.cpuSeconds;
    },
    get peakRssMb() {
      return service.peakRssMb;
    },
    stop: () => service.stop(),
  };
}

async function startDebezium(bootstrap: string): Promise<Subject> {
  const server = await startConnect({ bootstrap, heap: ['-Xms256m', '-Xmx512m'] });
  return {
    connect: new ConnectClient(server.url),
    get cpuSeconds() {
      const stat = readFileSync(`/proc/${server.pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return (Number(fields[11]) + Number(fields[12])) / 100;
    },
    get peakRssMb() {
      const status = readFileSync(`/proc/${server.pid}/status`, 'utf8');
      return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1024;
    },
    stop: () => server.stop(),
  };
}

export interface ConnectorOptions {
  readonly name: string;
  readonly table: string;
  /** `schemas.enable` of both converters. */
  readonly schemas: boolean;
  readonly more?: Readonly<Record<string, string>>;
}

/** One configuration for both; the topic is `name.public.table`. */
export function connectorConfig(database: BenchDatabase, options: ConnectorOptions): Record<string, string> {
  const { name, table, schemas } = options;
  const json = 'org.apache.kafka.connect.json.JsonConverter';
  return {
    ...sourceConfig(database, name),
    'tasks.max': '1',
    'table.include.list': `public.${table}`,
    'key.converter': json,
    'value.converter': json,
    'key.converter.schemas.enable': String(schemas),
    'value.converter.schemas.enable': String(schemas),
    ...options.more,
  };
}
