import { IcestreamError } from '../base/errors.ts';
import { loadSink } from '../sink/registry.ts';
import type { OffsetChange, OffsetsContext } from '../sink/sink.ts';
import type { Properties } from './config-providers.ts';
import { RequestError } from './request-error.ts';
import { sinksOf } from './sink-defaults.ts';

/** Connect's, for any request. */
const TIMEOUT_MS = 90_000;

/**
 * Has the sinks of a stopped connector change its offsets where they keep them for others to read, too.
 * @param config with what its worker adds
 * @param changes null: all offsets go
 * @throws RequestError 500 where that cannot be reached, or refuses
 */
export async function alterKeptOffsets(
  config: Properties,
  context: OffsetsContext,
  changes: readonly OffsetChange[] | null,
): Promise<void> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  for (const name of sinksOf(config)) {
    const definition = await loadSink(name);
    try {
      await definition?.alterOffsets?.(config, context, changes, signal);
    } catch (cause) {
      if (signal.aborted) throw new RequestError(500, 'Request timed out', { cause });
      if (!(cause instanceof IcestreamError)) throw cause;
      throw new RequestError(500, `The offsets of the ${name} sink cannot be changed: ${cause.message}`, {
        cause,
      });
    }
  }
}
