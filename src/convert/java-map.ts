/**
 * The order in which a java.util.HashMap iterates: where a converter writes a schema's text out of such a map, the order is
 * part of the text, and registries tell texts apart by it.
 *
 * @param keys in the order in which they are put
 * @param capacity what the map is made with, a power of two
 */
export function javaMapOrder(keys: readonly string[], capacity = 16): string[] {
  let buckets = capacity;
  while (keys.length > buckets * LOAD_FACTOR) buckets *= 2;
  return inBuckets(keys, buckets);
}

/** The order of a java.util.HashSet made of a collection, which makes room for more than it has. */
export function javaSetOrder(keys: readonly string[]): string[] {
  let buckets = 16;
  while (buckets < Math.floor(keys.length / LOAD_FACTOR) + 1) buckets *= 2;
  return inBuckets(keys, buckets);
}

/** The order of a java.util.concurrent.ConcurrentHashMap of `count` keys that these are some of. */
export function javaConcurrentMapOrder(keys: readonly string[], count: number): string[] {
  let buckets = 16;
  while (count >= buckets * LOAD_FACTOR) buckets *= 2;
  return inBuckets(keys, buckets);
}

/** Those in one bucket stay in the order in which they came. */
function inBuckets(keys: readonly string[], buckets: number): string[] {
  const bucketOf = (key: string) => {
    const hash = javaHash(key);
    return (hash ^ (hash >>> 16)) & (buckets - 1);
  };
  return keys.toSorted((a, b) => bucketOf(a) - bucketOf(b));
}

/** String.hashCode */
function javaHash(text: string): number {
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0;
  return hash;
}

const LOAD_FACTOR = 0.75;
