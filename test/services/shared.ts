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
    // Not in an `after` hook: those run in order of registration, and the server must outlive the clean-up of all who
    // use it. The processes are unreferenced, so `beforeExit` comes when the tests are through.
    process.once('beforeExit', () => void server?.then((it) => it.stop()).catch(reportAtExit));
  }
  return (await server).address;
}

function reportAtExit(error: unknown): void {
  console.error('a shared server did not stop', error);
  process.exitCode = 1;
}
