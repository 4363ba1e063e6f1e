/** A JSON text as Jackson's tree has it: numbers keep their notation, names their order. */
export type JsonTree = null | boolean | string | JsonNumber | readonly JsonTree[] | JsonObject;
export type JsonObject = ReadonlyMap<string, JsonTree>;

export class JsonNumber {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  /** What Jackson reads it as: an int, a long, a BigInteger, or a double where there is a fraction or an exponent. */
  get kind(): 'int32' | 'int64' | 'big' | 'float64' {
    if (/[.eE]/.test(this.text)) return 'float64';
    const value = BigInt(this.text);
    if (BigInt.asIntN(32, value) === value) return 'int32';
    return BigInt.asIntN(64, value) === value ? 'int64' : 'big';
  }
}

const DEPTH_MAX = 1000;

/** JSON.parse would sort names that look like numbers to the front. @throws SyntaxError */
export function parseJsonTree(text: string): JsonTree {
  // Checks the whole syntax at once, so that the reader below may trust it.
  JSON.parse(text);
  return new Reader(text).value(0);
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(depth: number): JsonTree {
    if (depth > DEPTH_MAX) throw new SyntaxError('nested too deeply');
    this.#skipSpace();
    switch (this.#text[this.#at]) {
      case '{':
        return this.#object(depth);
      case '[':
        return this.#array(depth);
      case '"':
        return this.#string();
      case 't':
        this.#at += 4;
        return true;
      case 'f':
        this.#at += 5;
        return false;
      case 'n':
        this.#at += 4;
        return null;
      default:
        return this.#number();
    }
  }

  #object(depth: number): JsonTree {
    const fields = new Map<string, JsonTree>();
    this.#at++;
    while (!this.#ends('}')) {
      const name = this.#string();
      this.#skipSpace();
      this.#at++;
      fields.set(name, this.value(depth + 1));
    }
    return fields;
  }

  #array(depth: number): JsonTree {
    const items: JsonTree[] = [];
    this.#at++;
    while (!this.#ends(']')) items.push(this.value(depth + 1));
    return items;
  }

  /** Goes past a comma to the next element, or past the closing bracket. */
  #ends(close: string): boolean {
    this.#skipSpace();
    const char = this.#text[this.#at];
    if (char === close || char === ',') this.#at++;
    if (char === close) return true;
    this.#skipSpace();
    return false;
  }

  #string(): string {
    const start = this.#at++;
    while (this.#text[this.#at] !== '"') this.#at += this.#text[this.#at] === '\\' ? 2 : 1;
    this.#at++;
    return JSON.parse(this.#text.slice(start, this.#at)) as string;
  }

  #number(): JsonNumber {
    const start = this.#at;
    while (/[-+.0-9eE]/.test(this.#text[this.#at] ?? '')) this.#at++;
    return new JsonNumber(this.#text.slice(start, this.#at));
  }

  #skipSpace(): void {
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at++;
  }
}
