import { IcestreamError } from '../../base/errors.ts';
import { javaRegex } from '../../base/java-regex.ts';
import type { ConnectRecord } from '../../record/connect-record.ts';
import { callMethod, METHODS } from './groovy-methods.ts';
import { type Expression, parseGroovy, type Variable } from './groovy-parser.ts';
import {
  areEqual,
  compareValues,
  headerMap,
  isTrue,
  plus,
  propertyOf,
  schemaValue,
  textOf,
  typed,
  type Value,
} from './groovy-values.ts';
import type { Script } from './scripted.ts';

type Evaluate = (record: ConnectRecord) => Value;

/**
 * A Groovy expression of the part that filters and routers use: properties, `?.`, comparisons, `in`, `=~`, `==~`, `&& || !`,
 * `?:`, text and numbers, `+`, and some methods. It is turned into functions, not run as code.
 * @throws SyntaxError naming what is not supported
 */
export function compileGroovy(source: string): Script {
  return compile(parseGroovy(source));
}

function compile(expression: Expression): Evaluate {
  switch (expression.kind) {
    case 'literal': {
      const { value } = expression;
      return () => value;
    }
    case 'list': {
      const items = expression.items.map(compile);
      return (record) => items.map((item) => item(record));
    }
    case 'variable':
      return VARIABLES[expression.name];
    case 'property': {
      const [of, { name, nullSafe }] = [compile(expression.of), expression];
      return (record) => onValue(of(record), nullSafe, name, (value) => propertyOf(value, name));
    }
    case 'call':
      return compileCall(expression);
    case 'not': {
      const of = compile(expression.of);
      return (record) => !isTrue(of(record));
    }
    case 'binary':
      return compileBinary(expression);
    case 'choice': {
      const [test, no] = [compile(expression.test), compile(expression.no)];
      if (expression.yes === null) {
        return (record) => {
          const value = test(record);
          return isTrue(value) ? value : no(record);
        };
      }
      const yes = compile(expression.yes);
      return (record) => (isTrue(test(record)) ? yes(record) : no(record));
    }
  }
}

const VARIABLES: Readonly<Record<Variable, Evaluate>> = {
  key: (record) => typed(record.keySchema, record.key),
  value: (record) => typed(record.valueSchema, record.value),
  keySchema: (record) => schemaValue(record.keySchema),
  valueSchema: (record) => schemaValue(record.valueSchema),
  topic: (record) => record.topic,
  headers: (record) => headerMap(record),
};

function onValue(
  value: Value,
  nullSafe: boolean,
  name: string,
  use: (value: NonNullable<Value>) => Value,
): Value {
  if (value !== null) return use(value);
  if (nullSafe) return null;
  throw new IcestreamError('transform.script', `Cannot get property '${name}' on null object`);
}

function compileCall(call: Expression & { kind: 'call' }): Evaluate {
  const arity = METHODS.get(call.name);
  if (arity === undefined || arity !== call.args.length)
    throw new SyntaxError(
      `the method ${call.name} with ${call.args.length} arguments is not supported in Groovy expressions here`,
    );
  const of = compile(call.of);
  const pattern = call.name === 'matches' ? patternOf(call.args[0], true) : null;
  const args = call.args.map(compile);
  return (record) =>
    onValue(of(record), call.nullSafe, call.name, (value) =>
      pattern === null
        ? callMethod(
            value,
            call.name,
            args.map((arg) => arg(record)),
          )
        : pattern.test(textOf(value)),
    );
}

function patternOf(expression: Expression, anchored: boolean): RegExp {
  if (expression.kind !== 'literal' || typeof expression.value !== 'string')
    throw new SyntaxError('a pattern that is not a text is not supported in Groovy expressions here');
  return javaRegex(expression.value, { anchored, ignoreCase: false });
}

function compileBinary({
  sign,
  left: leftSide,
  right: rightSide,
}: Expression & { kind: 'binary' }): Evaluate {
  const left = compile(leftSide);
  if (sign === '=~' || sign === '==~') {
    const pattern = patternOf(rightSide, sign === '==~');
    return (record) => {
      const value = left(record);
      return pattern.test(value === null ? 'null' : textOf(value));
    };
  }
  const right = compile(rightSide);
  switch (sign) {
    case '&&':
      return (record) => isTrue(left(record)) && isTrue(right(record));
    case '||':
      return (record) => isTrue(left(record)) || isTrue(right(record));
    case '==':
      return (record) => areEqual(left(record), right(record));
    case '!=':
      return (record) => !areEqual(left(record), right(record));
    case '<':
      return (record) => compareValues(left(record), right(record)) < 0;
    case '<=':
      return (record) => compareValues(left(record), right(record)) <= 0;
    case '>':
      return (record) => compareValues(left(record), right(record)) > 0;
    case '>=':
      return (record) => compareValues(left(record), right(record)) >= 0;
    case 'in':
      return (record) => isIn(left(record), right(record));
    case '+':
      return (record) => plus(left(record), right(record));
  }
}

function isIn(value: Value, list: Value): boolean {
  if (list === null) return false;
  if (Array.isArray(list)) return list.some((each) => areEqual(value, each));
  throw new IcestreamError('transform.script', 'what follows `in` is not a list');
}
