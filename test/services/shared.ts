interface Shared {
  readonly address: string;
  stop(): Promise<void>;
}

const started = new Map<string, Promise<Shared>>();

/**
 * The address of a server that the whole test run shares: from `ICESTREAM_TEST_<NAME>`, which scripts/test.ts sets, else
 * (a test file run by hand) of one started here and stopped after the file.
 */
export async function sharedAddress(name: string, start: () => Promise<Shared>): Promise<string> {
  const given = process.env[`ICESTREAM_TEST_${name}`];
  if (given) return given;
  let server = started.get(name);
  if (server === undefined) {
    started.set(name, (server = start()));
    const { stop } = await server;
    afterFile(stop);
  }
  return (await server).address;
}

const cleanUps: (() => Promise<void>)[] = [];

/**
 * Runs when the file's tests are through, last registered first. node:test's own `after` would run at the end of whatever
 * hook or test called it; servers are unreferenced, so `beforeExit` comes once the last test has ended.
 */
export function afterFile(cleanUp: () => Promise<void>): void {
  if (cleanUps.length === 0) process.once('beforeExit', () => void cleanAll());
  cleanUps.push(cleanUp);
}

async function cleanAll(): Promise<void> {
  for (let next = cleanUps.pop(); next !== undefined; next = cleanUps.pop()) {
    try {
      await next();
    } catch (error) {
      console.error('cleaning up after the tests failed', error);
      process.exitCode = 1;
    }
  }
}
