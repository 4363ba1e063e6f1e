import type { SinkDefinition } from './sink.ts';

/** Every sink by the name that `sinks` lists; the only place that names them. */
const SINKS: Readonly<Record<string, () => Promise<SinkDefinition>>> = {
  kafka: async () => (await import('./kafka/definition.ts')).kafkaSink,
  iceberg: async () => (await import('./iceberg/definition.ts')).icebergSink,
};

export const SINK_NAMES: readonly string[] = Object.keys(SINKS);

/** What makes the sink, or null for a name nobody bears. */
export async function loadSink(name: string): Promise<SinkDefinition | null> {
  return (await SINKS[name]?.()) ?? null;
}
