import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import type { TestContext } from 'node:test';
import { type Engine, judge } from './engine.ts';
import type { Exhibit } from './gallery.ts';

/** By exhibit, what an engine makes of it where that is not `right`. All of it is the engine's doing; docs/readers.md tells. */
export type Faults = Readonly<Record<string, RegExp>>;

const ABORTS_ON_NULL = /^refused: INTERNAL Error: Comparison on NULL values/;
const SECONDS = /^wrong: .*"(3723|86400|86399)"/;
const NO_TIME = /^refused: .*Spark does not support time fields/;

export const FAULTS = {
  duckdb: {
    part_null: ABORTS_ON_NULL,
    part_null_moves: ABORTS_ON_NULL,
    part_evolved: ABORTS_ON_NULL,
    evolved_key: /^refused: INTERNAL Error: Expected vector of type INT64, but found vector of type INT32/,
  },
  spark: { times: NO_TIME, midnight: NO_TIME, appended_types: NO_TIME },
  trino: { far_times: /^refused: Millis overflow/ },
  clickhouse: {
    far_times: /^refused: .*out of allowed Date32 range/,
    times: SECONDS,
    midnight: SECONDS,
    appended_types: SECONDS,
    nested_null: /^wrong: 1 missing \["4",null,null,null\], 1 surplus \["4",\[\],\[null,null\],\[\]\]/,
    part_truncate_decimal: /^refused: .*Second argument must be of native integer type/,
    part_uuid: /^refused: .*Cannot parse uuid/,
    part_global: /^wrong: 0 missing/,
  },
} as const satisfies Record<string, Faults>;

const REFUSES_DELETES = /^refused: ValueError: PyIceberg does not yet support equality deletes/;

/** PyIceberg reads what was only ever appended. */
export function pyIcebergFaults(exhibits: readonly Exhibit[]): Faults {
  const refused = exhibits.filter((exhibit) => !exhibit.appendOnly);
  return Object.fromEntries(refused.map(({ name }) => [name, REFUSES_DELETES]));
}

/** Every exhibit is right but for the faults, which are exactly these: a change for the better is to be noticed, too. */
export async function requireVerdicts(
  t: TestContext,
  engine: Engine,
  exhibits: readonly Exhibit[],
  faults: Faults,
): Promise<void> {
  try {
    t.diagnostic(`${engine.name} ${engine.version}`);
    const verdicts = await judge(engine, exhibits);
    for (const { name, shows } of exhibits) {
      const verdict = verdicts.get(name)!;
      await t.test(`${name}: ${shows}`, () => {
        if (faults[name] === undefined) assert.equal(verdict, 'right');
        else assert.match(verdict, faults[name]);
      });
    }
  } finally {
    await engine.close();
  }
}

/** A fault that users are not told of is one that they find. */
export async function requireTold(names: readonly string[]): Promise<void> {
  const text = await readFile(new URL('../../docs/readers.md', import.meta.url), 'utf8');
  for (const name of names)
    assert.ok(text.includes(`\`${name}\``), `docs/readers.md does not tell of ${name}`);
}
