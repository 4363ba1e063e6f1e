import { IcestreamError } from '../base/errors.ts';
import { javaRegex } from '../base/java-regex.ts';

/** One property of a transform as Kafka's ConfigDef describes it, and how its text is read. */
export interface Option<T> {
  readonly type: 'STRING' | 'INT' | 'BOOLEAN' | 'LIST';
  readonly required: boolean;
  readonly fallback: string | null;
  readonly importance: 'HIGH' | 'MEDIUM' | 'LOW';
  readonly parse: (text: string) => { readonly value: T } | { readonly reason: string };
  /** What a value is refused for, in the words that follow "Invalid value x for configuration y: ". */
  check(value: T): string | null;
}

export type Options = Readonly<Record<string, Option<unknown>>>;
export type OptionValues<O extends Options> = {
  readonly [K in keyof O]: O[K] extends Option<infer T> ? T : never;
};
export type Properties = Readonly<Record<string, string>>;

/** @throws IcestreamError config.invalid with Kafka's text for the first property that is missing or wrong */
export function readOptions<const O extends Options>(options: O, config: Properties): OptionValues<O> {
  const values: Record<string, unknown> = {};
  for (const [name, option] of Object.entries(options)) {
    const problem = optionProblem(name, option, config[name]);
    if (problem !== null) throw invalid(problem, name);
    const text = config[name] ?? option.fallback;
    const parsed = text === null ? { value: null } : option.parse(text);
    values[name] = 'value' in parsed ? parsed.value : null;
  }
  return values as OptionValues<O>;
}

/**
 * What is wrong with a property, as Kafka says it; null: nothing.
 * @param name with its prefix `transforms.a.`, since the message repeats it
 */
export function optionProblem(
  name: string,
  option: Option<unknown>,
  given: string | undefined,
): string | null {
  if (given === undefined && option.required)
    return `Missing required configuration "${name}" which has no default value.`;
  const text = given ?? option.fallback;
  if (text === null) return null;
  const parsed = option.parse(text);
  const reason = 'reason' in parsed ? parsed.reason : option.check(parsed.value);
  return reason === null ? null : `Invalid value ${text} for configuration ${name}: ${reason}`;
}

export function invalid(message: string, property?: string): IcestreamError {
  return new IcestreamError('config.invalid', message, { context: { property } });
}

type Importance = Option<unknown>['importance'];
interface Extras<T> {
  readonly importance?: Importance;
  readonly check?: (value: T) => string | null;
}

export function text<F extends string | null>(fallback: F, extras: Extras<string> = {}): Option<string | F> {
  return option('STRING', false, fallback, asIs, extras) as Option<string | F>;
}

export function requiredText(extras: Extras<string> = {}): Option<string> {
  return option('STRING', true, null, asIs, { importance: 'HIGH', ...extras });
}

/** Comma-separated; unlike elsewhere, empty parts are kept, as Kafka keeps them. */
export function list(extras: Extras<readonly string[]> = {}, fallback = ''): Option<readonly string[]> {
  return option('LIST', false, fallback, splitList, extras);
}

export function requiredList(extras: Extras<readonly string[]> = {}): Option<readonly string[]> {
  return option('LIST', true, null, splitList, { importance: 'HIGH', check: notEmpty, ...extras });
}

export function boolean(fallback: boolean, importance: Importance = 'MEDIUM'): Option<boolean> {
  return option('BOOLEAN', false, String(fallback), asBoolean, { importance });
}

export function integer<F extends number | null>(
  fallback: F,
  extras: Extras<number> = {},
): Option<number | F> {
  return option('INT', false, fallback === null ? null : String(fallback), asInteger, extras) as Option<
    number | F
  >;
}

/** Kafka's ValidString: one of these, spelled so. */
export function oneOf(values: readonly string[], extras: Extras<string> = {}): Extras<string> {
  const check = (value: string) =>
    values.includes(value) ? null : `String must be one of: ${values.join(', ')}`;
  return { ...extras, check };
}

export const NOT_BLANK: Extras<string> = {
  check: (value) => (value === '' ? 'String must be non-empty' : null),
};

/** A pattern of java.util.regex. */
export const REGEX: Extras<string> = { check: regexProblem };

export function regexProblem(pattern: string): string | null {
  try {
    javaRegex(pattern, { anchored: true, ignoreCase: false });
    return null;
  } catch (error) {
    return `Invalid regex: ${(error as Error).message}`;
  }
}

function option<T>(
  type: Option<T>['type'],
  required: boolean,
  fallback: string | null,
  parse: Option<T>['parse'],
  { importance = 'MEDIUM', check = () => null }: Extras<T>,
): Option<T> {
  return { type, required, fallback, importance, parse, check };
}

function asIs(text: string): { value: string } {
  return { value: text };
}

function splitList(text: string): { value: readonly string[] } {
  const trimmed = text.trim();
  return { value: trimmed === '' ? [] : trimmed.split(/\s*,\s*/) };
}

function asBoolean(text: string): { value: boolean } | { reason: string } {
  const lower = text.trim().toLowerCase();
  if (lower === 'true' || lower === 'false') return { value: lower === 'true' };
  return { reason: 'Expected value to be either true or false' };
}

function asInteger(text: string): { value: number } | { reason: string } {
  const trimmed = text.trim();
  const value = /^[+-]?\d{1,10}$/.test(trimmed) ? Number(trimmed) : Number.NaN;
  return value === (value | 0) ? { value } : { reason: 'Not a number of type INT' };
}

function notEmpty(values: readonly string[]): string | null {
  return values.length === 0 ? 'Empty list' : null;
}
