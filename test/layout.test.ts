import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { renderErrors } from '../scripts/errors-doc.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SRC = join(ROOT, 'src');
const FILES = globSync('**/*.ts', { cwd: SRC }).sort();

/** What each folder of src may import besides itself; see the layout in docs/architecture.md. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  base: [],
  record: ['base'],
  iceberg: ['base'],
  kafka: ['base'],
  transform: ['base', 'record', 'convert'],
  convert: ['base', 'record'],
  capture: ['base', 'record', 'convert', 'kafka'],
  sink: ['base', 'record', 'convert', 'kafka', 'iceberg'],
  runtime: ['base', 'record', 'convert', 'transform', 'capture', 'sink'],
  api: ['base', 'record', 'transform', 'capture', 'sink', 'runtime'],
};
const LINES_MAX = 500;

test('imports run one way between the folders of src', () => {
  const wrong = imports().filter(({ from, to }) => {
    const [source, target] = [top(from), top(to)];
    if (!from.includes('/')) return false; // main.ts wires everything.
    return source !== target && !MAY_IMPORT[source]?.includes(target);
  });
  assert.deepEqual(wrong.map(arrow), []);
});

test('every folder of src has its place in the rule', () => {
  const folders = new Set(FILES.filter((file) => file.includes('/')).map(top));
  assert.deepEqual(
    [...folders].filter((folder) => !Object.hasOwn(MAY_IMPORT, folder)),
    [],
  );
});

test('only the two registries name implementations, and no implementation another', () => {
  const wrong = imports().filter(({ from, to }) => {
    for (const plugPoint of ['capture', 'sink']) {
      const target = implementation(plugPoint, to);
      if (target === null || target === implementation(plugPoint, from)) continue;
      if (from !== `${plugPoint}/registry.ts`) return true;
    }
    return false;
  });
  assert.deepEqual(wrong.map(arrow), []);
});

test('no import leaves src, and each one names a file that is there', () => {
  const wrong = imports().filter(({ to }) => to.startsWith('..') || !FILES.includes(to));
  assert.deepEqual(wrong.map(arrow), []);
});

test(`no file of src is longer than ${LINES_MAX} lines`, () => {
  const long = FILES.map((file) => [file, read(file).split('\n').length - 1] as const);
  assert.deepEqual(
    long.filter(([, lines]) => lines > LINES_MAX),
    [],
  );
});

/** Entry points and the packages that they do without: each costs tens of megabytes in every thread that loads it. */
const WITHOUT: readonly (readonly [file: string, packages: RegExp])[] = [
  ['main.ts', /@platformatic\/kafka|@aws-sdk/],
  ['runtime/task.ts', /@platformatic\/kafka|@aws-sdk/],
  ['capture/postgres/index.ts', /@platformatic\/kafka|@aws-sdk/],
  ['sink/iceberg/index.ts', /@platformatic\/kafka|@aws-sdk/],
  ['sink/kafka/index.ts', /@aws-sdk|avsc|hyparquet/],
];

for (const [entry, packages] of WITHOUT) {
  test(`${entry} is loaded without ${packages.source}`, () => {
    const heavy = [...loadedBy(entry)].filter((file) =>
      staticImports(read(file)).some((specifier) => packages.test(specifier)),
    );
    assert.deepEqual(heavy, []);
  });
}

test('the reader of what is loaded passes over types and what is imported later', () => {
  const source = [
    "import type { A } from './a.ts';",
    "import { b, type C } from './b.ts';",
    "import {\n  d,\n} from 'd';",
    "export * from './e.ts';",
    "const f = await import('./f.ts');",
    "import './g.ts';",
  ].join('\n');
  assert.deepEqual(staticImports(source), ['./b.ts', 'd', './e.ts', './g.ts']);
  assert.ok(loadedBy('kafka/producer.ts').has('kafka/brokers.ts'));
});

test('the import reader sees every form of import', () => {
  const source = [
    "import a from './a.ts';",
    "import type { B } from '../b.ts';",
    "import {\n  c,\n  type D,\n} from './c.ts';",
    "export * from './e.ts';",
    "const f = await import('./f.ts');",
    "import './g.ts';",
    "new Worker(new URL('./h.ts', import.meta.url));",
  ].join('\n');
  assert.deepEqual(specifiers(source), [
    './a.ts',
    '../b.ts',
    './c.ts',
    './e.ts',
    './f.ts',
    './g.ts',
    './h.ts',
  ]);
});

test('docs/errors.md lists every error code as src/base/errors.ts declares it', () => {
  const actual = readFileSync(join(ROOT, 'docs/errors.md'), 'utf8');
  const [listed, declared] = [actual, renderErrors()].map((text) => text.split('\n'));
  const missing = declared.filter((line) => !listed.includes(line));
  const outdated = listed.filter((line) => !declared.includes(line));
  assert.deepEqual({ missing, outdated }, { missing: [], outdated: [] }, 'run `npm run docs:errors`');
  assert.deepEqual(listed, declared, 'run `npm run docs:errors`');
});

interface Import {
  readonly from: string;
  readonly to: string;
}

function imports(): Import[] {
  return FILES.flatMap((from) =>
    specifiers(read(from)).map((specifier) => ({
      from,
      to: relative(SRC, join(SRC, dirname(from), specifier)),
    })),
  );
}

/** A file of src and all that is loaded with it. */
function loadedBy(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  for (const specifier of staticImports(read(file)))
    if (specifier.startsWith('.')) loadedBy(relative(SRC, join(SRC, dirname(file), specifier)), seen);
  return seen;
}

function staticImports(source: string): string[] {
  const forms = /^(?:import|export)(?! type\b)(?:[^;']*?from)?\s*'([^']+)'/gm;
  return [...source.matchAll(forms)].map((match) => match[1]!);
}

function specifiers(source: string): string[] {
  const code = source.replace(/^\s*(\*|\/\/|\/\*).*$/gm, '');
  const forms = /(?:\bfrom\s*|\bimport\s*\(?\s*|new URL\(\s*)'(\.\.?\/[^']*\.ts)'/g;
  return [...code.matchAll(forms)].map((match) => match[1]!);
}

/** `postgres` of `capture/postgres/stream.ts`, null for a file that lies in the plug point's own folder or elsewhere. */
function implementation(plugPoint: string, file: string): string | null {
  const parts = file.split('/');
  return parts[0] === plugPoint && parts.length > 2 ? parts[1]! : null;
}

const top = (file: string) => file.split('/')[0]!;
const arrow = ({ from, to }: Import) => `${from} -> ${to}`;
const read = (file: string) => readFileSync(join(SRC, file), 'utf8');
