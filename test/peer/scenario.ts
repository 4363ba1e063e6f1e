import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A variant is laid over the defaults, null takes a key away; `${name}` is filled in. */
interface VariantsFile {
  /** Where schema.sql and changes.sql are, relative to the file; default beside it. */
  readonly scenario?: string;
  readonly defaults?: Config;
  readonly variants: Readonly<Record<string, Config>>;
}
type Config = Readonly<Record<string, string | null>>;

const FOLDER = fileURLToPath(new URL('../fixtures/peer/postgres/', import.meta.url));
const OWN_FILES = ['variants.json', 'modes.json', 'crossed.json', 'types.json', 'ddl.json'].map((name) =>
  join(FOLDER, name),
);

export function allVariants(more: string | null = null): string[] {
  return [...new Set(files(more).flatMap(({ file }) => Object.keys(file.variants)))];
}

/** @param more another file of variants, over the project's own. */
export function connectorConfig(
  variant: string,
  values: Readonly<Record<string, string>>,
  more: string | null = null,
): Record<string, string> {
  const defaults = files(more).map(({ file }) => file.defaults);
  const merged = Object.assign({}, ...defaults, fileOf(variant, more).file.variants[variant]) as Config;
  const filled = Object.entries(merged).filter((entry): entry is [string, string] => entry[1] !== null);
  const fill = (text: string) => text.replace(/\$\{(\w+)\}/g, (all, name: string) => values[name] ?? all);
  return Object.fromEntries(filled.map(([key, value]) => [key, fill(value)]));
}

/** What a variant of the project's own sets beyond the defaults, null for what it takes away. */
export function variantProperties(variant: string): Config {
  return fileOf(variant, null).file.variants[variant]!;
}

/** What makes the tables and their first rows. */
export function schemaSql(variant: string, more: string | null = null): string {
  return readFileSync(join(fileOf(variant, more).folder, 'schema.sql'), 'utf8');
}

export interface Change {
  /** Sent at once, which makes it one transaction unless it says otherwise. */
  readonly sql: string;
  /**
   * The next one waits until this one's records have come: the connector asks the catalog when it meets a change, and must
   * not find there what comes later.
   */
  readonly settles: boolean;
}

/** The changes made while the connector streams; `--;;` stands between them, `--;; settle` where the next one waits. */
export function changes(variant: string, more: string | null = null): Change[] {
  const text = readFileSync(join(fileOf(variant, more).folder, 'changes.sql'), 'utf8');
  const parts = text.trim().split(/\n--;;( settle)?\n/);
  return Array.from({ length: (parts.length + 1) / 2 }, (_, i) => ({
    sql: parts[2 * i]!,
    settles: parts[2 * i + 1] !== undefined,
  }));
}

interface Found {
  readonly file: VariantsFile;
  /** Of its scenario. */
  readonly folder: string;
}

function fileOf(variant: string, more: string | null): Found {
  const found = files(more).findLast(({ file }) => Object.hasOwn(file.variants, variant));
  if (found === undefined) throw new Error(`no variant ${variant}`);
  return found;
}

function files(more: string | null): Found[] {
  return [...OWN_FILES, ...(more === null ? [] : [more])].map((path) => {
    const file = JSON.parse(readFileSync(path, 'utf8')) as VariantsFile;
    return {
      file,
      folder:
        file.scenario === undefined && path === more ? FOLDER : resolve(dirname(path), file.scenario ?? '.'),
    };
  });
}
