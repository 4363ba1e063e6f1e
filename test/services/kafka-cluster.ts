import { join } from 'node:path';
import { commonSettings, startNode } from './kafka.ts';
import { freePorts, type Server, scratch } from './process.ts';

export interface KafkaCluster {
  /** All brokers, `127.0.0.1:PORT` each. */
  readonly bootstrap: string;
  /** By node id, from 1. */
  readonly brokers: ReadonlyMap<number, Server>;
  stop(): Promise<void>;
}

const CONTROLLER_ID = 100;

/**
 * `count` brokers and a controller of its own, so that each broker can be killed and its partitions still find another
 * leader. Topics have `count` replicas unless they say otherwise.
 */
export async function startKafkaCluster(count: number): Promise<KafkaCluster> {
  const [controllerPort, ...ports] = await freePorts(count + 1);
  const quorum = {
    'controller.quorum.voters': `${CONTROLLER_ID}@127.0.0.1:${controllerPort}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'default.replication.factor': String(count),
    // A replica that stands still is out of sync before a test has waited for long.
    'replica.lag.time.max.ms': '2000',
    ...commonSettings(count),
  };
  const controller = node(CONTROLLER_ID, controllerPort!, {
    ...quorum,
    'process.roles': 'controller',
    listeners: `CONTROLLER://127.0.0.1:${controllerPort}`,
  });
  const brokers = ports.map((port, index) => {
    const listeners = `PLAINTEXT://127.0.0.1:${port}`;
    return node(index + 1, port, { ...quorum, 'process.roles': 'broker', listeners });
  });
  const [first, ...others] = await Promise.all([controller, ...brokers]);
  return {
    bootstrap: ports.map((port) => `127.0.0.1:${port}`).join(','),
    brokers: new Map(others.map((server, index) => [index + 1, server])),
    stop: async () => {
      // In order they would wait for each other to take over.
      await Promise.all(others.map((server) => server.kill()));
      await Promise.all([first!, ...others].map((server) => server.stop()));
    },
  };
}

async function node(id: number, port: number, settings: Record<string, string>): Promise<Server> {
  const folder = await scratch(`kafka-${id}`);
  const own = { 'node.id': String(id), 'log.dirs': join(folder, 'data') };
  return await startNode({ folder, port, settings: { ...settings, ...own }, heapMb: 256 });
}
