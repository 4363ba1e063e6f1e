/**
 * JSON with the text it was written in: field order, repeated fields, the notation of numbers and strings. Every node knows
 * where it stands, `text.slice(start, end)`.
 */
export type JsonNode =
  | { readonly kind: 'object'; readonly start: number; readonly end: number; readonly fields: JsonField[] }
  | { readonly kind: 'array'; readonly start: number; readonly end: number; readonly items: JsonNode[] }
  | { readonly kind: 'string'; readonly start: number; readonly end: number; readonly value: string }
  | { readonly kind: 'number' | 'word'; readonly start: number; readonly end: number };

export interface JsonField {
  readonly name: string;
  readonly value: JsonNode;
}

/** The document's node, null when the text is not one JSON document. */
export function parseJson(text: string): JsonNode | null {
  try {
    const reader = new Reader(text);
    const node = reader.value();
    reader.end();
    return node;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

const SPACE = /[ \t\r\n]*/y;
const STRING = /"(?:[^"\\]|\\.)*"/sy;
const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?/y;
const WORD = /true|false|null/y;

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(): JsonNode {
    this.#match(SPACE);
    const first = this.#text[this.#at];
    if (first === '{') return this.#object();
    if (first === '[') return this.#array();
    const start = this.#at;
    if (first === '"') return { kind: 'string', value: this.#string(), start, end: this.#at };
    const kind = this.#match(NUMBER) !== null ? 'number' : 'word';
    if (kind === 'word' && this.#match(WORD) === null) throw new SyntaxError(`no JSON at ${start}`);
    return { kind, start, end: this.#at };
  }

  end(): void {
    this.#match(SPACE);
    if (this.#at !== this.#text.length) throw new SyntaxError(`more text at ${this.#at}`);
  }

  #object(): JsonNode {
    const start = this.#at++;
    const fields: JsonField[] = [];
    while (!this.#takes('}')) {
      if (fields.length > 0) this.#expect(',');
      this.#match(SPACE);
      const name = this.#string();
      this.#expect(':');
      fields.push({ name, value: this.value() });
    }
    return { kind: 'object', start, end: this.#at, fields };
  }

  #array(): JsonNode {
    const start = this.#at++;
    const items: JsonNode[] = [];
    while (!this.#takes(']')) {
      if (items.length > 0) this.#expect(',');
      items.push(this.value());
    }
    return { kind: 'array', start, end: this.#at, items };
  }

  #string(): string {
    const token = this.#match(STRING);
    if (token === null) throw new SyntaxError(`no string at ${this.#at}`);
    return JSON.parse(token) as string;
  }

  #expect(character: string): void {
    if (!this.#takes(character)) throw new SyntaxError(`${character} expected at ${this.#at}`);
  }

  #takes(character: string): boolean {
    this.#match(SPACE);
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? null;
    if (found !== null) this.#at += found.length;
    return found;
  }
}
