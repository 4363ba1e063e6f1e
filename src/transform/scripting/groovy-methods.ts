import { areEqual, isObject, propertyOf, schemaValue, textOf, type Value, wrong } from './groovy-values.ts';

/** The methods that an expression may call, and with how many arguments. */
export const METHODS: ReadonlyMap<string, number> = new Map([
  ['contains', 1],
  ['startsWith', 1],
  ['endsWith', 1],
  ['matches', 1],
  ['equals', 1],
  ['equalsIgnoreCase', 1],
  ['toLowerCase', 0],
  ['toUpperCase', 0],
  ['trim', 0],
  ['isEmpty', 0],
  ['length', 0],
  ['size', 0],
  ['toString', 0],
  ['get', 1],
  ['containsKey', 1],
  ['name', 0],
  ['version', 0],
  ['schema', 0],
]);

/** @throws IcestreamError transform.script: the value has no such method */
export function callMethod(value: NonNullable<Value>, name: string, args: readonly Value[]): Value {
  if (name === 'equals') return areEqual(value, args[0]);
  if (name === 'get') return propertyOf(value, textOf(args[0]));
  if (name === 'toString') return textOf(value);
  const result = methodOf(value, name, args);
  if (result === undefined) throw wrong(`No such method: ${name}`);
  return result;
}

function methodOf(value: NonNullable<Value>, name: string, args: readonly Value[]): Value | undefined {
  if (typeof value === 'string') return textMethod(value, name, args);
  if (Array.isArray(value)) return listMethod(value, name, args);
  if (isObject(value, 'entries')) {
    if (name === 'containsKey') return value.entries.has(textOf(args[0]));
    if (name === 'isEmpty') return value.entries.size === 0;
    return name === 'size' ? value.entries.size : undefined;
  }
  if (isObject(value, 'schema')) {
    if (name === 'name') return value.schema.name ?? null;
    return name === 'version' ? (value.schema.version ?? null) : undefined;
  }
  if (isObject(value, 'struct') && name === 'schema') return schemaValue(value.schema);
  return undefined;
}

function textMethod(text: string, name: string, args: readonly Value[]): Value | undefined {
  switch (name) {
    case 'contains':
      return text.includes(textOf(args[0]));
    case 'startsWith':
      return text.startsWith(textOf(args[0]));
    case 'endsWith':
      return text.endsWith(textOf(args[0]));
    case 'equalsIgnoreCase':
      return args[0] !== null && text.toLowerCase() === textOf(args[0]).toLowerCase();
    case 'toLowerCase':
      return text.toLowerCase();
    case 'toUpperCase':
      return text.toUpperCase();
    case 'trim':
      return text.trim();
    case 'isEmpty':
      return text === '';
    case 'length':
    case 'size':
      return text.length;
  }
}

function listMethod(list: readonly Value[], name: string, args: readonly Value[]): Value | undefined {
  switch (name) {
    case 'contains':
      return list.some((each) => areEqual(each, args[0]));
    case 'isEmpty':
      return list.length === 0;
    case 'size':
      return list.length;
  }
}
