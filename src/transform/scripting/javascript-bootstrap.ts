/**
 * Runs inside a script's realm and leaves nothing there but the record's names. It keeps what it needs of the realm before
 * any script can replace it. Its value is the function that makes the globals of a RecordView's text.
 */
export const BOOTSTRAP = `(() => {
  'use strict';
  const { parse } = JSON;
  const { freeze, defineProperty, create } = Object;
  const G = globalThis, N = Number, B = BigInt, M = Map, U = Uint8Array;
  delete G.console;
  delete G.WebAssembly;
  delete G.SharedArrayBuffer;
  delete G.Atomics;
  const schemas = [];
  const schemaOf = (id) => (id === null ? null : schemas[id]);
  const addSchema = ([id, type, name, version, doc, optional, parameters, fields]) => {
    const list = fields.map(([name, id]) => freeze({ name: () => name, schema: () => schemas[id] }));
    schemas[id] = freeze({
      type: () => type.toUpperCase(), name: () => name, version: () => version, doc: () => doc,
      isOptional: () => optional, parameters: () => parameters,
      fields: () => list, field: (name) => list.find((field) => field.name() === name) ?? null,
      names: freeze(fields.map(([name]) => name)),
    });
  };
  const decimal = (text) => freeze({ toString: () => text, valueOf: () => N(text), doubleValue: () => N(text) });
  const make = (given) => {
    if (given === null || typeof given !== 'object') return given;
    switch (given[0]) {
      case 's': {
        const { names } = schemas[given[1]];
        const struct = {};
        for (let i = 0; i < names.length; i++)
          defineProperty(struct, names[i], { value: make(given[i + 2]), enumerable: true });
        return freeze(struct);
      }
      case 'l': return freeze(given.slice(1).map(make));
      case 'm': {
        const map = new M();
        for (let i = 1; i < given.length; i += 2) map.set(make(given[i]), make(given[i + 1]));
        return map;
      }
      case 'n': return B(given[1]);
      case 'f': return N(given[1]);
      case 'd': return decimal(given[1]);
      default: return new U(given.slice(1));
    }
  };
  const set = (name, value) => defineProperty(G, name, { value, configurable: true, enumerable: true, writable: false });
  return (text) => {
    const [added, topic, key, value, keySchema, valueSchema, headers] = parse(text);
    for (const schema of added) addSchema(schema);
    const byName = create(null);
    for (const [name, id, value] of headers) byName[name] = freeze({ schema: schemaOf(id), value: make(value) });
    set('topic', topic);
    set('key', make(key));
    set('value', make(value));
    set('keySchema', schemaOf(keySchema));
    set('valueSchema', schemaOf(valueSchema));
    set('headers', freeze(byName));
  };
})()`;
