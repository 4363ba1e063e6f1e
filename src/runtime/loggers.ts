import { RequestError } from './request-error.ts';
import type { Store } from './store.ts';

export interface LoggerLevel {
  readonly level: string;
  /** Milliseconds since 1970; null when never changed. */
  readonly last_modified: number | null;
}

/** log4j's names, which clients use, and pino's. */
const LEVELS: ReadonlyMap<string, string> = new Map([
  ['OFF', 'silent'],
  ['FATAL', 'fatal'],
  ['ERROR', 'error'],
  ['WARN', 'warn'],
  ['INFO', 'info'],
  ['DEBUG', 'debug'],
  ['TRACE', 'trace'],
]);

/** Names that Java deployments set to see more; each stands for the whole process here. */
const ROOTS = ['root', 'io.debezium', 'org.apache.kafka.connect', 'org.apache.iceberg', 'icestream'];

/**
 * `/admin/loggers`. There is one logger per task and one level for all, so the level of `root`, or of any of the names
 * above, is the level of the process; other names are remembered and shown, as Connect does, and change nothing.
 */
export class Loggers {
  private readonly store: Store;
  private readonly initial: string;
  private readonly apply: (level: string) => void;

  constructor(store: Store, initialLevel: string, apply: (level: string) => void) {
    this.store = store;
    this.apply = apply;
    this.initial = [...LEVELS].find(([, level]) => level === initialLevel)?.[0] ?? 'INFO';
    const latest = store
      .loggers()
      .filter(({ name }) => ROOTS.includes(name))
      .sort((a, b) => b.modifiedMillis - a.modifiedMillis)[0];
    if (latest !== undefined) apply(LEVELS.get(latest.level)!);
  }

  all(): Record<string, LoggerLevel> {
    const names = new Set([...ROOTS, ...this.store.loggers().map(({ name }) => name)]);
    return Object.fromEntries([...names].sort().map((name) => [name, this.get(name)]));
  }

  /** @throws RequestError 404 */
  get(name: string): LoggerLevel {
    const stored = this.store.loggers().find((logger) => logger.name === name);
    if (stored !== undefined) return { level: stored.level, last_modified: stored.modifiedMillis };
    if (!ROOTS.includes(name)) throw new RequestError(404, `Logger ${name} not found.`);
    return { level: this.initial, last_modified: null };
  }

  /** @throws RequestError 400 without a level, 404 for one that does not exist */
  set(name: string, level: string | null): string[] {
    if (level === null)
      throw new RequestError(400, "Desired 'level' parameter was not specified in request.");
    const known = LEVELS.get(level.toUpperCase());
    if (known === undefined) throw new RequestError(404, `invalid log level '${level}'.`);
    this.store.putLogger({ name, level: level.toUpperCase(), modifiedMillis: Date.now() });
    if (ROOTS.includes(name)) this.apply(known);
    return [name];
  }
}
