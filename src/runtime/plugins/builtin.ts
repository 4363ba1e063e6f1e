import { loadSource } from '../../capture/registry.ts';
import { loadSink, SINK_NAMES } from '../../sink/registry.ts';
import { Plugins } from '../plugins.ts';
import { POSTGRES_CLASS, postgresPlugin } from './postgres.ts';
import { sinksExtension } from './sinks.ts';

/** What this installation can run: one line per connector, and every sink of the registry. */
export async function builtinPlugins(): Promise<Plugins> {
  const sinks = await Promise.all(SINK_NAMES.map(async (name) => [name, (await loadSink(name))!] as const));
  const postgres = (await loadSource(POSTGRES_CLASS))!;
  return new Plugins([postgresPlugin(postgres)], [sinksExtension(new Map(sinks))]);
}
