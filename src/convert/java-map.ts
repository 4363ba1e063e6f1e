/**
 * The order in which a java.util.HashMap iterates: where a converter writes a schema's text out of such a map, the order is
 * part of the text, and registries tell texts apart by it.
 *
 * @param keys in the order in which they are put
 * @param capacity what the map is made with, a power of two
 */
export function javaMapOrder(keys: readonly string[], capacity = 16): string[] {
  let size = capacity;
  while (keys.length > size * LOAD_FACTOR) size *= 2;
  const buckets = new Map<number, string[]>();
  for (const key of keys) {
    const hash = javaHash(key);
    const bucket = (hash ^ (hash >>> 16)) & (size - 1);
    const inBucket = buckets.get(bucket);
    if (inBucket === undefined) buckets.set(bucket, [key]);
    else inBucket.push(key);
  }
  return [...buckets].sort(([a], [b]) => a - b).flatMap(([, inBucket]) => inBucket);
}

/** String.hashCode */
function javaHash(text: string): number {
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0;
  return hash;
}

const LOAD_FACTOR = 0.75;
