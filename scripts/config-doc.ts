/** Writes docs/configuration.md's table of sink properties from their definitions: `npm run docs:config`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { ICEBERG_PROPERTIES } from '../src/sink/iceberg/config.ts';

const FILE = new URL('../docs/configuration.md', import.meta.url);
const BEGIN = '<!-- iceberg properties: generated -->';
const END = '<!-- end -->';

export function propertyTable(): string {
  const rows = ICEBERG_PROPERTIES.map(
    ({ name, default: value, doc }) => `| \`${name}\` | ${value === null ? '' : `\`${value}\``} | ${doc} |`,
  );
  return ['| property | default | meaning |', '| --- | --- | --- |', ...rows].join('\n');
}

/** The page with its generated part brought up to date. */
export function withTable(page: string): string {
  const [head, rest] = page.split(BEGIN);
  return `${head}${BEGIN}\n${propertyTable()}\n${END}${rest.split(END)[1]}`;
}

if (process.argv[1] === new URL(import.meta.url).pathname)
  writeFileSync(FILE, withTable(readFileSync(FILE, 'utf8')));
