import module from 'node:module';
import { join } from 'node:path';
import v8 from 'node:v8';

/**
 * The heap that a task's thread may fill before the collector works out limits of its own. It counts arrays outside the
 * heap too, and from a small beginning it sets limits so tight that it walks the whole heap five times as often
 * (docs/decisions/batch-memory.md). A lake keeps rows; what publishes them lets go of them at once.
 */
const INITIAL_HEAP_MB = { lake: 128, events: 64 };

/** For the thread that is started next. */
export function tuneHeap(hasLake: boolean): void {
  v8.setFlagsFromString(`--initial-heap-size=${hasLake ? INITIAL_HEAP_MB.lake : INITIAL_HEAP_MB.events}`);
}

/**
 * Compiled code is kept under `stateDir`, so that a task's thread does not compile everything again; where that cannot be
 * written, it does.
 */
export function keepCode(stateDir: string): void {
  const { directory } = module.enableCompileCache(join(stateDir, 'code'));
  if (directory !== undefined) process.env['NODE_COMPILE_CACHE'] ??= join(stateDir, 'code');
}
