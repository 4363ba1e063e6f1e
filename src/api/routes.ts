import type { Herder } from '../runtime/herder.ts';
import type { Loggers } from '../runtime/loggers.ts';

/** One request as routes see it. */
export interface Call {
  /** Decoded path parameters. */
  readonly params: Readonly<Record<string, string>>;
  /** Query parameters, each with all its values. */
  readonly query: Readonly<Record<string, readonly string[]>>;
  readonly body: string;
  /** `http://host:port` as the client addressed us. */
  readonly base: string;
  readonly herder: Herder;
  readonly loggers: Loggers;
}

/** `json` undefined: an empty body. */
export interface Answer {
  readonly status: number;
  readonly json?: unknown;
  readonly text?: { readonly type: string; readonly body: string };
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With `:name` parameters. */
  readonly path: string;
  handle(call: Call): Answer | Promise<Answer>;
}

export function ok(json: unknown): Answer {
  return { status: 200, json };
}

export const ACCEPTED: Answer = { status: 202 };
export const NO_CONTENT: Answer = { status: 204 };

/** As Java reads a boolean parameter: anything but `true` is false. */
export function flag(call: Call, name: string, fallback: boolean): boolean {
  const value = call.query[name]?.[0];
  return value === undefined ? fallback : value.toLowerCase() === 'true';
}
