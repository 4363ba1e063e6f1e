import type { OffsetJson } from '../record/offset.ts';
import type { ConfigPatch } from '../runtime/herder.ts';
import { RequestError } from '../runtime/request-error.ts';
import type { StoredOffset, TargetState } from '../runtime/store.ts';
import { type JsonEntry, JsonError, type JsonNode, parseJson, sourceAt } from './json.ts';

/**
 * Request bodies. A body that cannot be read is answered with 500, as by Connect, not 400; the texts name Connect's
 * classes because clients match on them.
 */
const ENTITIES = 'org.apache.kafka.connect.runtime.rest.entities.';

export interface CreateRequest {
  /** Trimmed; empty where none was given. */
  readonly name: string;
  readonly config: ConfigPatch;
  readonly initialState: TargetState;
}

export function readCreateRequest(body: string): CreateRequest {
  const type = `${ENTITIES}CreateConnectorRequest`;
  const root = readRoot(body);
  if (root === null) throw unreadable(`Cannot invoke "${type}.name()" because "createRequest" is null`);
  const fields = fieldsOf(body, root, type, ['config', 'name', 'initial_state']);
  const name = fields.get('name');
  const config = fields.get('config');
  const configPath = `${type}["config"]`;
  return {
    name: (name === undefined ? '' : (scalar(body, name.value, `${type}["name"]`) ?? '')).trim(),
    config: config === undefined || config.value.kind === 'null' ? {} : mapOf(body, config.value, configPath),
    initialState: initialState(body, fields.get('initial_state'), type),
  };
}

export function readConfig(body: string): ConfigPatch {
  const root = readRoot(body);
  if (root === null)
    throw unreadable('Cannot invoke "java.util.Map.get(Object)" because "connectorConfig" is null');
  return mapOf(body, root, '');
}

/** @throws RequestError 400 when there are none */
export function readOffsets(body: string): StoredOffset[] {
  const type = `${ENTITIES}ConnectorOffsets`;
  const root = readRoot(body);
  const fields = root === null ? new Map<string, JsonEntry>() : fieldsOf(body, root, type, ['offsets']);
  const offsets = fields.get('offsets')?.value;
  if (offsets === undefined || offsets.kind !== 'array' || offsets.items.length === 0)
    throw new RequestError(400, 'Partitions / offsets need to be provided for an alter offsets request');
  return offsets.items.map((item) => {
    const parts = fieldsOf(body, item, `${ENTITIES}ConnectorOffset`, ['partition', 'offset']);
    return { partition: flatJson(parts.get('partition')), offset: flatJson(parts.get('offset')) };
  });
}

export function readLevel(body: string): string | null {
  const root = readRoot(body);
  if (root?.kind !== 'object') return null;
  const level = root.entries.findLast((entry) => entry.name === 'level')?.value;
  return level?.kind === 'string' ? level.text : null;
}

/** A signal as a row of Debezium's signal table; `data` may be JSON text or an object. */
export function readSignal(body: string): { id: string; type: string; data: string } {
  const root = readRoot(body);
  const entries = root?.kind === 'object' ? root.entries : [];
  const field = (name: string) => entries.findLast((entry) => entry.name === name)?.value;
  const type = field('type');
  if (type?.kind !== 'string' || type.text === '')
    throw new RequestError(400, 'A signal needs an id and a type');
  const id = field('id');
  const data = field('data');
  return {
    id: id?.kind === 'string' && id.text !== '' ? id.text : crypto.randomUUID(),
    type: type.text,
    data: data === undefined ? '{}' : data.kind === 'string' ? data.text : JSON.stringify(plain(data)),
  };
}

function readRoot(body: string): JsonNode | null {
  try {
    return parseJson(body);
  } catch (error) {
    if (error instanceof JsonError) throw unreadable(error.message);
    throw error;
  }
}

function unreadable(message: string): RequestError {
  return new RequestError(500, message);
}

function fieldsOf(
  body: string,
  node: JsonNode,
  type: string,
  known: readonly string[],
): Map<string, JsonEntry> {
  if (node.kind !== 'object') throw mismatch(body, node, type, '');
  const fields = new Map<string, JsonEntry>();
  for (const entry of node.entries) {
    if (!known.includes(entry.name)) throw unknownField(body, entry, type, known);
    fields.set(entry.name, entry);
  }
  return fields;
}

function unknownField(
  body: string,
  { name, place }: JsonEntry,
  type: string,
  known: readonly string[],
): RequestError {
  const quoted = known.map((each) => `"${each}"`).join(', ');
  const properties =
    known.length === 1 ? `one known property: ${quoted}` : `${known.length} known properties: ${quoted}`;
  return unreadable(
    `Unrecognized field "${name}" (class ${type}), not marked as ignorable (${properties})` +
      `${sourceAt(body, place.at + 1)} (through reference chain: ${type}["${name}"])`,
  );
}

function mapOf(body: string, node: JsonNode, path: string): Record<string, string | null> {
  if (node.kind !== 'object')
    throw mismatch(body, node, 'java.util.LinkedHashMap<java.lang.String,java.lang.String>', path);
  const map: Record<string, string | null> = {};
  for (const { name, value } of node.entries) {
    const chain = `${path === '' ? '' : `${path}->`}java.util.LinkedHashMap["${name}"]`;
    // A plain assignment to __proto__ would vanish; as an own property it is a key like others.
    Object.defineProperty(map, name, {
      value: scalar(body, value, chain),
      enumerable: true,
      writable: true,
      configurable: true,
    });
  }
  return map;
}

/** Numbers and booleans become their text. */
function scalar(body: string, node: JsonNode, chain: string): string | null {
  switch (node.kind) {
    case 'string':
    case 'number':
      return node.text;
    case 'boolean':
      return String(node.value);
    case 'null':
      return null;
    default:
      throw mismatch(body, node, 'java.lang.String', chain);
  }
}

const TOKENS = {
  object: ['Object', 'START_OBJECT'],
  array: ['Array', 'START_ARRAY'],
  string: ['String', 'VALUE_STRING'],
  number: ['Integer', 'VALUE_NUMBER_INT'],
  boolean: ['Boolean', 'VALUE_TRUE'],
  null: ['Null', 'VALUE_NULL'],
} as const;

function mismatch(body: string, node: JsonNode, type: string, chain: string): RequestError {
  const [word, token] = TOKENS[node.kind];
  const through = chain === '' ? '' : ` (through reference chain: ${chain})`;
  return unreadable(
    `Cannot deserialize value of type \`${type}\` from ${word} value (token \`JsonToken.${token}\`)${sourceAt(body, node.at)}${through}`,
  );
}

const INITIAL_STATES: ReadonlyMap<string, TargetState> = new Map([
  ['RUNNING', 'STARTED'],
  ['PAUSED', 'PAUSED'],
  ['STOPPED', 'STOPPED'],
]);

function initialState(body: string, entry: JsonEntry | undefined, type: string): TargetState {
  if (entry === undefined || entry.value.kind === 'null') return 'STARTED';
  const word = scalar(body, entry.value, `${type}["initial_state"]`) ?? '';
  const state = INITIAL_STATES.get(word.toUpperCase());
  if (state !== undefined) return state;
  const enumeration = `${type}$InitialState`;
  throw unreadable(
    `Cannot construct instance of \`${enumeration}\`, problem: No enum constant ${enumeration.replace('$', '.')}.${word.toUpperCase()}` +
      `${sourceAt(body, entry.value.at)} (through reference chain: ${type}["initial_state"])`,
  );
}

/** Offsets are flat maps of primitives; anything else in them would not survive the offsets topic either. */
function flatJson(entry: JsonEntry | undefined): OffsetJson | null {
  if (entry === undefined || entry.value.kind === 'null') return null;
  const value = plain(entry.value);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    const nested = Object.values(value).some((part) => typeof part === 'object' && part !== null);
    if (!nested) return value as OffsetJson;
  }
  throw new RequestError(
    400,
    'Partitions and offsets must be flat objects of strings, numbers, booleans and nulls',
  );
}

function plain(node: JsonNode): unknown {
  switch (node.kind) {
    case 'object':
      return Object.fromEntries(node.entries.map(({ name, value }) => [name, plain(value)]));
    case 'array':
      return node.items.map(plain);
    case 'string':
      return node.text;
    case 'number':
      return wholeOrText(node.text);
    case 'boolean':
      return node.value;
    case 'null':
      return null;
  }
}

/** A 64-bit number that a double cannot hold stays text, or it would come back as another position. */
function wholeOrText(text: string): number | string {
  const value = Number(text);
  return /^-?\d+$/.test(text) && !Number.isSafeInteger(value) ? text : value;
}
