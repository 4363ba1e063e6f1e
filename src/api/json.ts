/**
 * JSON with positions, and with errors worded as Kafka Connect words them: clients show these texts, and some compare
 * them. Numbers keep their text, because Connect hands a configuration's numbers on as strings.
 */
export type JsonNode = JsonPlace &
  (
    | { readonly kind: 'object'; readonly entries: readonly JsonEntry[] }
    | { readonly kind: 'array'; readonly items: readonly JsonNode[] }
    | { readonly kind: 'string' | 'number'; readonly text: string }
    | { readonly kind: 'boolean'; readonly value: boolean }
    | { readonly kind: 'null' }
  );

export interface JsonEntry {
  readonly name: string;
  readonly value: JsonNode;
  /** Just behind the name: where an unknown field is reported. */
  readonly place: JsonPlace;
}

export interface JsonPlace {
  /** Characters before it. */
  readonly at: number;
}

export class JsonError extends Error {}

/** Deeper nesting than any request has; protects the stack. */
const DEPTH_MAX = 100;

/** Reads one JSON value; null for text without any. Anything behind the value is ignored, as Connect does. */
export function parseJson(text: string): JsonNode | null {
  const reader = new Reader(text);
  return reader.isAtEnd() ? null : reader.value(0);
}

/** `\n at [Source: ...; line: l, column: c]`, columns counted from 1. */
export function sourceAt(text: string, at: number): string {
  const before = text.slice(0, at);
  const line = before.split('\n').length;
  const column = at - before.lastIndexOf('\n');
  return `\n at [Source: REDACTED (\`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION\` disabled); line: ${line}, column: ${column}]`;
}

const VALID_VALUES = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')";

class Reader {
  private readonly text: string;
  private at = 0;

  constructor(text: string) {
    this.text = text;
  }

  isAtEnd(): boolean {
    this.skipBlanks();
    return this.at >= this.text.length;
  }

  value(depth: number): JsonNode {
    this.skipBlanks();
    const at = this.at;
    const character = this.text[at];
    if (depth > DEPTH_MAX)
      throw this.failure(`Document nesting depth (${depth}) exceeds the maximum allowed (${DEPTH_MAX})`);
    if (character === '{') return { at, kind: 'object', entries: this.entries(depth) };
    if (character === '[') return { at, kind: 'array', items: this.items(depth) };
    if (character === '"') return { at, kind: 'string', text: this.string() };
    const number = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/.exec(this.text.slice(at, at + 400));
    if (number !== null) {
      this.at += number[0].length;
      return { at, kind: 'number', text: number[0] };
    }
    return this.word(at);
  }

  private word(at: number): JsonNode {
    const word = /^[A-Za-z_$][\w$]*/.exec(this.text.slice(at, at + 256))?.[0];
    if (word === undefined) throw this.unexpected(`expected a valid value ${VALID_VALUES}`);
    this.at += word.length;
    if (word === 'null') return { at, kind: 'null' };
    if (word === 'true' || word === 'false') return { at, kind: 'boolean', value: word === 'true' };
    throw this.failure(`Unrecognized token '${word}': was expecting ${VALID_VALUES}`);
  }

  private entries(depth: number): JsonEntry[] {
    const entries: JsonEntry[] = [];
    this.at++;
    this.skipBlanks();
    if (this.take('}')) return entries;
    while (true) {
      this.skipBlanks();
      if (this.text[this.at] !== '"') throw this.unexpected('was expecting double-quote to start field name');
      const name = this.string();
      const place = { at: this.at };
      this.skipBlanks();
      if (!this.take(':')) throw this.unexpected('was expecting a colon to separate field name and value');
      entries.push({ name, value: this.value(depth + 1), place });
      this.skipBlanks();
      if (this.take('}')) return entries;
      if (!this.take(',')) throw this.unexpected('was expecting comma to separate Object entries');
    }
  }

  private items(depth: number): JsonNode[] {
    const items: JsonNode[] = [];
    this.at++;
    this.skipBlanks();
    if (this.take(']')) return items;
    while (true) {
      items.push(this.value(depth + 1));
      this.skipBlanks();
      if (this.take(']')) return items;
      if (!this.take(',')) throw this.unexpected('was expecting comma to separate Array entries');
    }
  }

  /** The end quote is looked for here; escapes are left to the platform, which knows them all. */
  private string(): string {
    const start = this.at++;
    for (; this.at < this.text.length; this.at++) {
      const code = this.text.charCodeAt(this.at);
      if (code === 0x22) {
        this.at++;
        return this.unquoted(start);
      }
      if (code === 0x5c) this.at++;
      else if (code < 0x20)
        throw this.failure(
          `Illegal unquoted character ((CTRL-CHAR, code ${code})): has to be escaped using backslash to be included in string value`,
        );
    }
    throw this.failure('Unexpected end-of-input in VALUE_STRING');
  }

  private unquoted(start: number): string {
    try {
      return JSON.parse(this.text.slice(start, this.at)) as string;
    } catch {
      throw this.failure('Unrecognized character escape');
    }
  }

  private take(character: string): boolean {
    if (this.text[this.at] !== character) return false;
    this.at++;
    return true;
  }

  private skipBlanks(): void {
    while (/[ \t\r\n]/.test(this.text[this.at] ?? '')) this.at++;
  }

  private unexpected(expectation: string): JsonError {
    const code = this.text.codePointAt(this.at);
    if (code === undefined) return this.failure('Unexpected end-of-input');
    return this.failure(
      `Unexpected character ('${String.fromCodePoint(code)}' (code ${code})): ${expectation}`,
    );
  }

  private failure(message: string): JsonError {
    return new JsonError(message + sourceAt(this.text, Math.min(this.at, this.text.length)));
  }
}
