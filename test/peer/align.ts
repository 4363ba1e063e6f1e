export interface Alignment<T> {
  readonly pairs: (readonly [T, T])[];
  readonly onlyLeft: T[];
  readonly onlyRight: T[];
}

/**
 * Pairs the items of two sequences, in order: first those whose `strong` names agree (a longest common subsequence), then
 * within each gap those whose `weak` names agree, then what is left of a gap, if it is the same number on both sides.
 */
export function align<T>(
  left: readonly T[],
  right: readonly T[],
  strong: (item: T) => string,
  weak: (item: T) => string,
): Alignment<T> {
  const result: Alignment<T> = { pairs: [], onlyLeft: [], onlyRight: [] };
  for (const gap of split(left, right, strong, result)) {
    for (const rest of split(gap.left, gap.right, weak, result)) {
      if (rest.left.length === rest.right.length) {
        result.pairs.push(...rest.left.map((item, index) => [item, rest.right[index]!] as const));
      } else {
        result.onlyLeft.push(...rest.left);
        result.onlyRight.push(...rest.right);
      }
    }
  }
  return result;
}

interface Gap<T> {
  readonly left: readonly T[];
  readonly right: readonly T[];
}

/** Enters the pairs of the longest common subsequence by name; the answer is what lies between them. */
function split<T>(
  left: readonly T[],
  right: readonly T[],
  nameOf: (item: T) => string,
  result: Alignment<T>,
): Gap<T>[] {
  const [a, b] = [left.map(nameOf), right.map(nameOf)];
  let head = 0;
  const shorter = Math.min(a.length, b.length);
  while (head < shorter && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < shorter - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++;
  const gaps: Gap<T>[] = [];
  let [i, j] = [head, head];
  for (const [x, y] of commonIndexes(a.slice(head, a.length - tail), b.slice(head, b.length - tail))) {
    gaps.push({ left: left.slice(i, head + x), right: right.slice(j, head + y) });
    result.pairs.push([left[head + x]!, right[head + y]!]);
    [i, j] = [head + x + 1, head + y + 1];
  }
  gaps.push({ left: left.slice(i, left.length - tail), right: right.slice(j, right.length - tail) });
  for (let k = 0; k < head; k++) result.pairs.push([left[k]!, right[k]!]);
  for (let k = tail; k > 0; k--) result.pairs.push([left[left.length - k]!, right[right.length - k]!]);
  return gaps;
}

/** The index pairs of a longest common subsequence, by the table of lengths of what follows. */
function commonIndexes(a: readonly string[], b: readonly string[]): [number, number][] {
  const width = b.length + 1;
  const lengths = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      const [below, beside] = [lengths[(i + 1) * width + j]!, lengths[i * width + j + 1]!];
      lengths[i * width + j] =
        a[i] === b[j] ? lengths[(i + 1) * width + j + 1]! + 1 : Math.max(below, beside);
    }
  }
  const indexes: [number, number][] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    if (a[i] === b[j]) indexes.push([i++, j++]);
    else if (lengths[(i + 1) * width + j]! >= lengths[i * width + j + 1]!) i++;
    else j++;
  }
  return indexes;
}
