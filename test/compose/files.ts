import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseYaml } from './yaml.ts';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const COMPOSE = join(ROOT, 'compose');

export interface Service {
  readonly image?: string;
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly profiles?: readonly string[];
  readonly depends_on?: readonly string[] | Readonly<Record<string, unknown>>;
  readonly extends?: { readonly file: string; readonly service: string };
}

export interface ComposeFile {
  readonly name?: string;
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

/** A file of compose/, each service with what it takes over from another file. */
export function readCompose(name: string): ComposeFile {
  const file = parseYaml(readFileSync(join(COMPOSE, name), 'utf8')) as unknown as ComposeFile;
  const services = Object.entries(file.services).map(([service, own]): [string, Service] => {
    const base = own.extends && readCompose(own.extends.file).services[own.extends.service];
    return [service, { ...base, ...own }];
  });
  return { ...file, services: Object.fromEntries(services) };
}

/** The variables that a text refers to as `${env:NAME}`, each once, in alphabetical order. */
export function variablesOf(text: string): string[] {
  return [...new Set([...text.matchAll(/\$\{env:(\w+)\}/g)].map((match) => match[1]!))].sort();
}
