import type { ProducerOptions } from './producer.ts';

export async function readCompacted(
  _options: ProducerOptions,
  _topic: string,
  _signal: AbortSignal,
): Promise<Map<string, Buffer | null>> {
  throw new Error('not yet');
}
