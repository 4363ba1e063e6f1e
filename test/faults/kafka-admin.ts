import { createAclsV3, deleteTopicsV6 } from '@platformatic/kafka';
import { Brokers } from '../../src/kafka/brokers.ts';
import { settings } from '../kafka/producers.ts';

const signal = () => AbortSignal.timeout(30_000);

/** By the broker that is its own controller. */
export async function deleteTopic(bootstrap: string, name: string): Promise<void> {
  const brokers = new Brokers(settings(bootstrap));
  try {
    const broker = await brokers.any(signal());
    await broker.call([deleteTopicsV6.api], [{ name }], 10_000);
  } finally {
    await brokers.close();
  }
}

const TOPIC = 2;
const LITERAL = 3;
const OPERATIONS = { write: 4, describe: 8 };
const PERMISSIONS = { deny: 2, allow: 3 };

export interface Acl {
  readonly user: string;
  readonly topic: string;
  readonly operation: keyof typeof OPERATIONS;
  readonly permission: keyof typeof PERMISSIONS;
}

export async function createAcls(bootstrap: string, acls: readonly Acl[]): Promise<void> {
  const brokers = new Brokers(settings(bootstrap));
  try {
    const broker = await brokers.any(signal());
    const request = acls.map(({ user, topic, operation, permission }) => ({
      resourceType: TOPIC,
      resourceName: topic,
      resourcePatternType: LITERAL,
      principal: `User:${user}`,
      host: '*',
      operation: OPERATIONS[operation],
      permissionType: PERMISSIONS[permission],
    }));
    await broker.call([createAclsV3.api], request as Parameters<typeof createAclsV3.api.async>[1]);
  } finally {
    await brokers.close();
  }
}
