import { splitList } from '../base/config.ts';
import { IcestreamError } from '../base/errors.ts';
import type { ConnectRecord, RecordTransform, Transformed } from '../record/connect-record.ts';
import { boolean, invalid, type Properties, readOptions, text } from './options.ts';
import { planThrough } from './plan.ts';
import { predicateClass, transformClass } from './registry.ts';
import type { Predicate, Transform, TransformContext } from './transform.ts';

/** The transforms of a connector, in order. */
export interface Chain extends RecordTransform {
  /** No transform is configured. */
  readonly isEmpty: boolean;
  /** @throws IcestreamError transform.* with the alias in its context */
  apply(record: ConnectRecord): Transformed | Promise<Transformed>;
}

const LINK = { predicate: text(null), negate: boolean(false) };

interface Link {
  readonly alias: string;
  readonly className: string;
  readonly transform: Transform;
  readonly predicate: Predicate | null;
  readonly negate: boolean;
}

/**
 * The chain that `transforms`, `transforms.<alias>.*`, `predicates` and `predicates.<alias>.*` describe.
 * @param config the connector's whole configuration
 * @throws IcestreamError config.invalid with Connect's own text
 */
export function createChain(config: Properties, context: TransformContext = {}): Chain {
  const predicates = createPredicates(config);
  const createLinks = () =>
    splitList(config['transforms'] ?? '').map((alias) => createLink(alias, config, predicates, context));
  const links = createLinks();
  // Some remember the record before: what is planned may not come in between.
  const planning = createLinks();
  return {
    isEmpty: links.length === 0,
    apply: (record) => applyFrom(links, 0, record),
    plan: (records) => planThrough(planning, records),
  };
}

function applyFrom(
  links: readonly Link[],
  from: number,
  record: ConnectRecord,
): Transformed | Promise<Transformed> {
  let current = record;
  for (let i = from; i < links.length; i++) {
    const next = applyLink(links[i], current);
    if (next instanceof Promise) return next.then((it) => it && applyFrom(links, i + 1, it));
    if (next === null) return null;
    current = next;
  }
  return current;
}

/** A predicate that fails is its transform's failure, as in Connect. */
function applyLink(link: Link, record: ConnectRecord): Transformed | Promise<Transformed> {
  const { transform, predicate, negate } = link;
  try {
    if (predicate !== null && predicate.test(record) === negate) return record;
    const applied = transform.apply(record);
    if (!(applied instanceof Promise)) return applied;
    return applied.catch((error) => Promise.reject(failureOf(link, record, error)));
  } catch (error) {
    throw failureOf(link, record, error);
  }
}

function failureOf({ alias, className }: Link, { topic }: ConnectRecord, error: unknown): IcestreamError {
  const cause = error instanceof IcestreamError ? error : null;
  return new IcestreamError(cause?.code ?? 'internal', cause?.message ?? 'a transform failed', {
    cause: error,
    context: { ...cause?.context, transform: alias, class: className, topic },
    ...(cause && { retry: cause.retry, hint: cause.hint }),
  });
}

function createLink(
  alias: string,
  config: Properties,
  predicates: ReadonlyMap<string, Predicate>,
  { log, query }: TransformContext,
): Link {
  const own = withPrefix(config, `transforms.${alias}.`);
  const name = own['type'];
  const definition = name === undefined ? undefined : transformClass(name);
  if (definition === undefined) throw notFound(`transforms.${alias}.type`, name);
  const { predicate: predicateAlias, negate } = readOptions(LINK, own);
  const predicate = predicateAlias === null ? null : predicates.get(predicateAlias);
  if (predicate === undefined) {
    throw invalid(
      `Invalid value ${predicateAlias} for configuration transforms.${alias}.predicate: Predicate is not defined`,
      `transforms.${alias}.predicate`,
    );
  }
  const transform = definition.create(own, { log: log?.child({ transform: alias }), query });
  return { alias, className: name!, transform, predicate, negate };
}

function createPredicates(config: Properties): Map<string, Predicate> {
  const aliases = splitList(config['predicates'] ?? '');
  return new Map(
    aliases.map((alias) => {
      const own = withPrefix(config, `predicates.${alias}.`);
      const definition = own['type'] === undefined ? undefined : predicateClass(own['type']);
      if (definition === undefined) throw notFound(`predicates.${alias}.type`, own['type']);
      return [alias, definition.create(own)];
    }),
  );
}

function notFound(property: string, name: string | undefined): IcestreamError {
  if (name === undefined)
    return invalid(`Missing required configuration "${property}" which has no default value.`, property);
  return invalid(
    `Invalid value ${name} for configuration ${property}: Class ${name} could not be found.`,
    property,
  );
}

function withPrefix(config: Properties, prefix: string): Properties {
  const own = Object.entries(config).filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(own.map(([name, value]) => [name.slice(prefix.length), value]));
}
