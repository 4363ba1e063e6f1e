import { type Context, constants, createContext, runInContext, Script as VmScript } from 'node:vm';
import { IcestreamError } from '../../base/errors.ts';
import { BOOTSTRAP } from './javascript-bootstrap.ts';
import { RecordView } from './record-view.ts';
import type { Script } from './scripted.ts';

/** A condition that has not come to an end by then stops the task. */
const TIMEOUT_MS = 1000;

/**
 * What a script would need to go on without end: loops, functions, patterns, and text or lists that grow. The watch over the
 * time is what costs most of a record's evaluation, so plain conditions do without.
 */
const MAY_NOT_END =
  /\b(for|while|do|function|class|async|get|set|repeat|padStart|padEnd|RegExp|match|matchAll|search|replace|replaceAll|split|Array|Proxy|Reflect|BigInt)\b|=>|[/`{*]|\.\.\./;

/**
 * A script in a JavaScript realm of its own, with `key`, `value`, `keySchema`, `valueSchema`, `topic` and `headers` and
 * nothing else: no modules, no timers, no code from text. Only texts cross the border, never an object or a function of this
 * realm, whose constructors would lead out of the other.
 * @throws SyntaxError
 */
export function compileJavaScript(expression: string): Script {
  if (/\bimport\b/.test(expression)) throw new SyntaxError('import is not available');
  // A block, whose last statement is the result, keeps the script's own names from colliding with those of the last record.
  const script = new VmScript(`{${expression}\n}`, { filename: 'expression' });
  const view = new RecordView((name) => new RegExp(`\\b${name}\\b`).test(expression));
  const options = MAY_NOT_END.test(expression) ? { timeout: TIMEOUT_MS } : {};
  let realm: { readonly context: Context; readonly load: (view: string) => void } | null = null;
  return (record) => {
    // Made at the first record: a configuration is also compiled only to be checked.
    realm ??= createRealm();
    try {
      realm.load(view.text(record));
      return script.runInContext(realm.context, options);
    } catch (error) {
      throw scriptError(error);
    }
  };
}

function createRealm() {
  const context = createContext(constants.DONT_CONTEXTIFY, {
    codeGeneration: { strings: false, wasm: false },
    microtaskMode: 'afterEvaluate',
  });
  return { context, load: runInContext(BOOTSTRAP, context) as (view: string) => void };
}

function scriptError(error: unknown): IcestreamError {
  // The error is one of the other realm: no Error of this one.
  if ((error as { code?: unknown } | null)?.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT')
    return new IcestreamError('transform.script', `The expression did not end within ${TIMEOUT_MS} ms`);
  return new IcestreamError('transform.script', `Error while evaluating the expression: ${reasonOf(error)}`);
}

/** The engine's own messages name properties; what the script throws itself may hold values. */
function reasonOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return 'it threw';
  const { name, message } = error as { name?: unknown; message?: unknown };
  return name === 'TypeError' || name === 'ReferenceError' ? `${name}: ${String(message)}` : 'it threw';
}
