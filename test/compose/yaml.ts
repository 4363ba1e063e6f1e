/**
 * Reads the part of YAML that our compose files use: block maps and lists, flow lists and `{}`, quoted and plain scalars,
 * comments. Anything else is an error, so that what this reads is what every YAML reader reads.
 */
export type Yaml = string | Yaml[] | { [key: string]: Yaml };

interface Line {
  readonly indent: number;
  readonly text: string;
  readonly number: number;
}

export function parseYaml(source: string): Yaml {
  const lines: Line[] = [];
  for (const [at, raw] of source.split('\n').entries()) {
    const text = raw.trim();
    if (text === '' || text.startsWith('#')) continue;
    if (/\t| #/.test(raw))
      throw new SyntaxError(`line ${at + 1}: tabs and comments after a value are not read`);
    lines.push({ indent: raw.length - raw.trimStart().length, text, number: at + 1 });
  }
  const value = block(lines, lines[0]?.indent ?? 0);
  if (lines.length > 0) throw new SyntaxError(`line ${lines[0].number}: wrong indentation`);
  return value;
}

/** Takes the lines of one map or list off the front. */
function block(lines: Line[], indent: number): Yaml {
  return lines[0]?.text.startsWith('- ') ? list(lines, indent) : map(lines, indent);
}

function list(lines: Line[], indent: number): Yaml[] {
  const items: Yaml[] = [];
  while (lines[0]?.indent === indent && lines[0].text.startsWith('- ')) {
    const line = lines.shift()!;
    items.push(scalar(line.text.slice(2), line));
  }
  return items;
}

function map(lines: Line[], indent: number): { [key: string]: Yaml } {
  const entries: { [key: string]: Yaml } = {};
  while (lines[0]?.indent === indent) {
    const line = lines.shift()!;
    const match = /^([\w.-]+):(?: (.+))?$/.exec(line.text);
    if (match === null) throw new SyntaxError(`line ${line.number}: no key`);
    const [, key, value] = match;
    if (Object.hasOwn(entries, key)) throw new SyntaxError(`line ${line.number}: ${key} is there twice`);
    if (value !== undefined) entries[key] = scalar(value, line);
    else if ((lines[0]?.indent ?? 0) > indent) entries[key] = block(lines, lines[0].indent);
    else throw new SyntaxError(`line ${line.number}: ${key} has no value`);
  }
  return entries;
}

function scalar(text: string, line: Line): Yaml {
  if (text === '{}') return {};
  if (text.startsWith('[') || text.startsWith('"')) return JSON.parse(text) as Yaml;
  // A plain `true` would be read as such, not as the string that Compose wants in an environment.
  if (/^(true|false|yes|no|on|off|null|~|\d*\.\d+)$/i.test(text))
    throw new SyntaxError(`line ${line.number}: quote it`);
  if (/^[&*!|>'%@`{]|: /.test(text)) throw new SyntaxError(`line ${line.number}: ${text} is not read`);
  return text;
}
