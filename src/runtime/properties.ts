import { readFileSync } from 'node:fs';
import { IcestreamError } from '../base/errors.ts';

/**
 * Reads the text of a Java `.properties` file: comments (`#`, `!`), the separators `=`, `:` and blank, continuation
 * lines, escapes and `\uXXXX`. The last of two equal keys wins, as in java.util.Properties.
 * @throws IcestreamError config.invalid with the line of a broken unicode escape
 */
export function parseProperties(text: string): Record<string, string> {
  const properties: Record<string, string> = {};
  for (const { line, number } of logicalLines(text)) {
    const end = keyEnd(line);
    const separator = /^[ \t\f]*[=:]?[ \t\f]*/.exec(line.slice(end))![0];
    properties[unescaped(line.slice(0, end), number)] = unescaped(line.slice(end + separator.length), number);
  }
  return properties;
}

/** @throws IcestreamError config.invalid if the file cannot be read */
export function readPropertiesFile(path: string): Record<string, string> {
  return parseProperties(readTextFile(path));
}

/** @throws IcestreamError config.invalid if the file cannot be read */
export function readTextFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new IcestreamError('config.invalid', `the file ${path} cannot be read`, {
      cause,
      context: { path },
      hint: 'Check the path and the rights of the file.',
    });
  }
}

/** Joins continued lines; a line continues when it ends in an odd number of backslashes. */
function* logicalLines(text: string): Generator<{ line: string; number: number }> {
  let held: { line: string; number: number } | null = null as { line: string; number: number } | null;
  let number = 0;
  for (const natural of text.replace(/^\ufeff/, '').split(/\r\n|\n|\r/)) {
    number++;
    const line = natural.replace(/^[ \t\f]+/, '');
    if (held === null && (line === '' || line[0] === '#' || line[0] === '!')) continue;
    const continues = /(?:^|[^\\])(?:\\\\)*\\$/.test(line);
    const part = continues ? line.slice(0, -1) : line;
    held = { line: (held?.line ?? '') + part, number: held?.number ?? number };
    if (continues) continue;
    yield held;
    held = null;
  }
  if (held !== null) yield held;
}

function keyEnd(line: string): number {
  for (let i = 0; i < line.length; i++) {
    if (line[i] === '\\') i++;
    else if (/[=: \t\f]/.test(line[i]!)) return i;
  }
  return line.length;
}

const CONTROL: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' };

function unescaped(text: string, line: number): string {
  return text.replace(/\\(u[0-9a-fA-F]{4}|[\s\S]|$)/g, (_, code: string) => {
    if (code.length === 5) return String.fromCharCode(Number.parseInt(code.slice(1), 16));
    if (code === 'u')
      throw new IcestreamError('config.invalid', 'malformed \\uXXXX escape', { context: { line } });
    return CONTROL[code] ?? code;
  });
}
