/**
 * Configuration schemas: one definition of a property gives its TypeScript type, default, parsing and error text.
 * Values arrive as Connect has them, a map of strings, and leave as one frozen object without optional fields.
 */

/** How one property is read. `reason` finishes the sentence "The 'x' value is invalid: ". */
export interface Property<T> {
  readonly kind: 'string' | 'int' | 'long' | 'double' | 'boolean' | 'list' | 'enum' | 'password' | 'class';
  readonly default: T;
  readonly required: boolean;
  /** Allowed values of an enum, in the order in which messages list them. */
  readonly values: readonly string[];
  parse(text: string): { readonly value: T } | { readonly reason: string };
}

export type ConfigSchema = Readonly<Record<string, Property<unknown>>>;

export type ConfigValues<S extends ConfigSchema> = {
  readonly [K in keyof S]: S[K] extends Property<infer T> ? T : never;
};

export type ConfigErrors = Map<string, string[]>;

export interface ParsedConfig<S extends ConfigSchema> {
  /** Invalid properties have their defaults here: only to be used when `errors` is empty. */
  readonly values: ConfigValues<S>;
  /** Reasons by property, in schema order. */
  readonly errors: ConfigErrors;
}

/** Reads every property of the schema; keys that it does not name are left to the caller. */
export function parseConfig<S extends ConfigSchema>(
  schema: S,
  config: Readonly<Record<string, string>>,
): ParsedConfig<S> {
  const values: Record<string, unknown> = {};
  const errors: ConfigErrors = new Map();
  for (const [name, property] of Object.entries(schema)) {
    values[name] = property.default;
    const text = config[name];
    if (text === undefined || (property.required && text.trim() === '')) {
      if (property.required) errors.set(name, ['A value is required']);
      continue;
    }
    const parsed = property.parse(text);
    if ('value' in parsed) values[name] = parsed.value;
    else errors.set(name, [parsed.reason]);
  }
  return { values: Object.freeze(values) as ConfigValues<S>, errors };
}

/** Keys that no schema names, each with the nearest known name, or null when none is near. */
export function unknownKeys(
  config: Readonly<Record<string, string>>,
  known: readonly string[],
  isKnown: (key: string) => boolean,
): { readonly key: string; readonly nearest: string | null }[] {
  return Object.keys(config)
    .filter((key) => !isKnown(key))
    .map((key) => ({ key, nearest: nearestName(key, known) }));
}

/** The known name with the fewest edits, if those are at most a third of its letters. */
export function nearestName(name: string, known: readonly string[]): string | null {
  let best: string | null = null;
  let bestDistance = Infinity;
  for (const candidate of known) {
    const limit = Math.min(bestDistance - 1, Math.floor(candidate.length / 3));
    if (Math.abs(candidate.length - name.length) > limit) continue;
    const distance = editDistance(name, candidate);
    if (distance <= limit) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const substituted = previous[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(substituted, previous[j] + 1, current[j - 1] + 1));
    }
    previous = current;
  }
  return previous[b.length];
}

/** Text as it is; `null` where nothing is given. */
export function text(fallback: string): Property<string>;
export function text(fallback: null): Property<string | null>;
export function text(fallback: string | null): Property<string | null> {
  return property('string', fallback, (value) => ({ value }));
}

export function requiredText(check?: (value: string) => string | null): Property<string> {
  const base = property<string>('string', '', (value) => {
    const reason = check?.(value) ?? null;
    return reason === null ? { value } : { reason };
  });
  return { ...base, required: true };
}

/** A class name: kept as text, since nothing of it is run here. */
export function className(fallback: string | null): Property<string | null> {
  return property('class', fallback, (value) => ({ value }));
}

/** A secret; it is an object that prints as `***` wherever it ends up. */
export function password(): Property<Secret> {
  return property('password', new Secret(''), (value) => ({ value: new Secret(value) }));
}

export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The secret itself, for the one call that needs it. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return '***';
  }

  toJSON(): string {
    return '***';
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return '***';
  }
}

export function boolean(fallback: boolean): Property<boolean> {
  return property<boolean>('boolean', fallback, (value) => {
    const lower = value.trim().toLowerCase();
    if (lower === 'true' || lower === 'false') return { value: lower === 'true' };
    return { reason: "Either 'true' or 'false' is expected" };
  });
}

const INT_MAX = 2147483647;

/** 32 bits as Java reads them. */
export function int(fallback: number, min?: 0 | 1): Property<number>;
export function int(fallback: null, min?: 0 | 1): Property<number | null>;
export function int(fallback: number | null, min?: 0 | 1): Property<number | null> {
  const reason =
    min === undefined
      ? 'An integer is expected'
      : min === 0
        ? 'A non-negative integer value is expected'
        : 'A positive, non-zero integer value is expected';
  return integer('int', fallback, reason, min ?? -INT_MAX - 1, INT_MAX);
}

/** 64 bits in Java; beyond 2^53 it is refused, which no size or duration reaches. */
export function long(fallback: number, min?: 0 | 1): Property<number> {
  const reason =
    min === undefined
      ? 'A long value is expected'
      : min === 0
        ? 'A non-negative long value is expected'
        : 'A positive, non-zero long value is expected';
  return integer('long', fallback, reason, min ?? Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
}

function integer<T extends number | null>(
  kind: 'int' | 'long',
  fallback: T,
  reason: string,
  min: number,
  max: number,
): Property<T> {
  return property<T>(kind, fallback, (value) => {
    const number = /^[+-]?\d+$/.test(value.trim()) ? Number(value.trim()) : Number.NaN;
    return number >= min && number <= max ? { value: number as T } : { reason };
  });
}

/** Comma-separated, trimmed, without empty parts; `\,` is a comma that does not separate. */
export function list(fallback: readonly string[]): Property<readonly string[]> {
  return property('list', fallback, (value) => ({ value: splitList(value) }));
}

/** Case-insensitive; the value comes out as `values` spell it. */
export function oneOf<const V extends string>(values: readonly V[], fallback: V): Property<V>;
export function oneOf<const V extends string>(values: readonly V[], fallback: null): Property<V | null>;
export function oneOf<const V extends string>(values: readonly V[], fallback: V | null): Property<V | null> {
  const base = property<V | null>('enum', fallback, (text) => {
    const wanted = text.trim().toLowerCase();
    const value = values.find((candidate) => candidate.toLowerCase() === wanted);
    return value === undefined ? { reason: `Value must be one of ${values.join(', ')}` } : { value };
  });
  return { ...base, values };
}

/** The same property with a further check of its value; the check answers a reason or null. */
export function checked<T>(base: Property<T>, check: (value: T) => string | null): Property<T> {
  return {
    ...base,
    parse(text) {
      const parsed = base.parse(text);
      if (!('value' in parsed)) return parsed;
      const reason = check(parsed.value);
      return reason === null ? parsed : { reason };
    },
  };
}

function property<T>(kind: Property<T>['kind'], fallback: T, parse: Property<T>['parse']): Property<T> {
  return { kind, default: fallback, required: false, values: [], parse };
}

export function splitList(text: string): string[] {
  return splitUnescaped(text, ',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

/** Splits at `separator` where no backslash stands before it; that backslash is dropped, all others stay. */
export function splitUnescaped(text: string, separator: string): string[] {
  const parts: string[] = [];
  let part = '';
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (char === '\\' && text[i + 1] === separator) {
      part += separator;
      i++;
    } else if (char === '\\' && i + 1 < text.length) {
      part += char + text[++i];
    } else if (char === separator) {
      parts.push(part);
      part = '';
    } else {
      part += char;
    }
  }
  parts.push(part);
  return parts;
}
