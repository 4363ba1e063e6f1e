import module from 'node:module';
import { join } from 'node:path';
import v8 from 'node:v8';

/**
 * The heap that a task's thread may fill before the collector works out limits of its own. It counts arrays outside the
 * heap too, and from a small beginning it sets limits so tight that it walks the whole heap five times as often
 * (docs/decisions/batch-memory.md).
 */
const INITIAL_HEAP_MB = 128;

/**
 * Settings of the JavaScript engine for the threads that start after this call. Compiled code is kept under `stateDir`, so
 * that a task's thread does not compile everything again; where that cannot be written, it does.
 */
export function tuneThreads(stateDir: string): void {
  v8.setFlagsFromString(`--initial-heap-size=${INITIAL_HEAP_MB}`);
  const { directory } = module.enableCompileCache(join(stateDir, 'code'));
  if (directory !== undefined) process.env['NODE_COMPILE_CACHE'] ??= join(stateDir, 'code');
}
