import type { Dialect } from './canonical.ts';

const doubleQuoted = (name: string) => `"${name.replaceAll('"', '""')}"`;
const backticked = (name: string) => `\`${name}\``;

/** The source itself: what it prints is what every engine has to print of the lake. */
export const POSTGRES: Dialect = {
  quote: doubleQuoted,
  scalar: (type, x) => {
    if (type === 'float' || type === 'double') return `(${x})::float8::text`;
    if (type === 'date') return `(nullif(nullif(${x}, 'infinity'), '-infinity') - DATE '1970-01-01')::text`;
    if (type === 'time') return `(extract(epoch FROM ${x}) * 1000000)::numeric(30, 0)::text`;
    if (type.startsWith('timestamp'))
      return `(extract(epoch FROM nullif(nullif(${x}, 'infinity'), '-infinity')) * 1000000)::numeric(30, 0)::text`;
    if (type === 'binary') return `encode(${x}, 'hex')`;
    // concat prints by the type's output function, where a cast to text of an inet adds /32.
    return `CASE WHEN ${x} IS NOT NULL THEN concat(${x}) END`;
  },
  list: (x, element) =>
    `CASE WHEN ${x} IS NOT NULL THEN ARRAY(SELECT ${element('u.e')} FROM unnest(${x}) WITH ORDINALITY u(e, nth) ORDER BY u.nth) END`,
  struct: (x, fields, value) =>
    `CASE WHEN ${x} IS NOT NULL THEN ARRAY[${fields.map(({ type }, i) => value(type, `(${x})[${i}]`)).join(', ')}] END`,
  map: (x) => `CASE WHEN ${x} IS NOT NULL THEN ARRAY(SELECT ARRAY[key, value] FROM each(${x})) END`,
};

export const DUCKDB: Dialect = {
  quote: doubleQuoted,
  scalar: (type, x) => {
    if (type === 'float' || type === 'double') return `(${x})::DOUBLE::VARCHAR`;
    if (type === 'date') return `date_diff('day', DATE '1970-01-01', ${x})::VARCHAR`;
    if (type.startsWith('time')) return `epoch_us(${x})::VARCHAR`;
    if (type === 'binary') return `lower(hex(${x}))`;
    return `(${x})::VARCHAR`;
  },
  list: (x, element) => `list_transform(${x}, lambda e: ${element('e')})`,
  struct: (x, fields, value) =>
    `CASE WHEN ${x} IS NOT NULL THEN [${fields.map(({ name, type }) => value(type, `(${x}).${doubleQuoted(name)}`)).join(', ')}] END`,
  map: (x) => `list_transform(map_entries(${x}), lambda e: [e.key, e.value])`,
};

export const SPARK_SQL: Dialect = {
  quote: backticked,
  scalar: (type, x) => {
    if (type === 'float' || type === 'double') return `CAST(CAST(${x} AS DOUBLE) AS STRING)`;
    if (type === 'date') return `CAST(unix_date(${x}) AS STRING)`;
    if (type.startsWith('timestamp')) return `CAST(unix_micros(CAST(${x} AS TIMESTAMP)) AS STRING)`;
    if (type === 'binary') return `lower(hex(${x}))`;
    return `CAST(${x} AS STRING)`;
  },
  list: (x, element) => `transform(${x}, e -> ${element('e')})`,
  struct: (x, fields, value) =>
    `CASE WHEN ${x} IS NOT NULL THEN array(${fields.map(({ name, type }) => value(type, `${x}.${backticked(name)}`)).join(', ')}) END`,
  map: (x) => `transform(map_entries(${x}), e -> array(e.key, e.value))`,
};

export const TRINO_SQL: Dialect = {
  quote: doubleQuoted,
  scalar: (type, x) => {
    if (type === 'float') return `CAST(CAST(${x} AS double) AS varchar)`;
    if (type === 'binary') return `lower(to_hex(${x}))`;
    return `CAST(${x} AS varchar)`;
  },
  list: (x, element) => `transform(${x}, e -> ${element('e')})`,
  struct: (x, fields, value) =>
    `IF(${x} IS NOT NULL, ARRAY[${fields.map(({ name, type }) => value(type, `${x}.${doubleQuoted(name)}`)).join(', ')}])`,
  map: (x) => `transform(map_entries(${x}), e -> ARRAY[e[1], e[2]])`,
};

export const CLICKHOUSE: Dialect = {
  quote: backticked,
  scalar: (type, x) => {
    if (type === 'binary') return `lower(hex(${x}))`;
    return `toString(${x})`;
  },
  list: (x, element) => `arrayMap(e -> ${element('e')}, ${x})`,
  // Within a list, because where there are deletes it does not find a column's own subcolumns.
  struct: (x, fields, value) =>
    `arrayMap(s -> [${fields.map(({ name, type }) => value(type, `tupleElement(s, '${name}')`)).join(', ')}], [${x}])[1]`,
  map: (x) => `arrayMap(k -> [k, ${x}[k]], mapKeys(${x}))`,
};
