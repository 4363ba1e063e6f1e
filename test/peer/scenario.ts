import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A variant is laid over the defaults, null takes a key away; `${name}` is filled in. */
interface VariantsFile {
  readonly defaults?: Config;
  readonly variants: Readonly<Record<string, Config>>;
}
type Config = Readonly<Record<string, string | null>>;

const FOLDER = fileURLToPath(new URL('../fixtures/peer/postgres/', import.meta.url));
const OWN_FILES = [`${FOLDER}variants.json`, `${FOLDER}modes.json`];

export function allVariants(more: string | null = null): string[] {
  return [...new Set(files(more).flatMap((file) => Object.keys(file.variants)))];
}

/** @param more another file of variants, over the project's own. */
export function connectorConfig(
  variant: string,
  values: Readonly<Record<string, string>>,
  more: string | null = null,
): Record<string, string> {
  const all = files(more);
  const chosen = all.findLast((file) => Object.hasOwn(file.variants, variant));
  if (chosen === undefined) throw new Error(`no variant ${variant}`);
  const merged = Object.assign({}, ...all.map((file) => file.defaults), chosen.variants[variant]) as Config;
  const filled = Object.entries(merged).filter((entry): entry is [string, string] => entry[1] !== null);
  const fill = (text: string) => text.replace(/\$\{(\w+)\}/g, (all, name: string) => values[name] ?? all);
  return Object.fromEntries(filled.map(([key, value]) => [key, fill(value)]));
}

/** What a variant of the project's own sets beyond the defaults, null for what it takes away. */
export function variantProperties(variant: string): Config {
  return files(null).find((file) => Object.hasOwn(file.variants, variant))!.variants[variant]!;
}

/** What makes the tables and their first rows. */
export function schemaSql(): string {
  return readFileSync(`${FOLDER}schema.sql`, 'utf8');
}

/** The changes made while the connector streams; each is sent at once, which makes it one transaction unless it says otherwise. */
export function changes(): string[] {
  return readFileSync(`${FOLDER}changes.sql`, 'utf8').trim().split('\n--;;\n');
}

function files(more: string | null): VariantsFile[] {
  return [...OWN_FILES, ...(more === null ? [] : [more])].map(
    (file) => JSON.parse(readFileSync(file, 'utf8')) as VariantsFile,
  );
}
