/** Keys k with from ≤ k < until; no upper end when undefined. */
export type KeyRange = { readonly from: string; readonly until: string | undefined }

/**
 * The keys of `scopes` (each `key` itself and `key/…`) as ranges that do not touch, ascending, without what ends before
 * the key `after`: walked in order they give the rows in key order, each once.
 */
export function keyRanges(
  scopes: 'all' | readonly string[],
  after: string | undefined,
): readonly KeyRange[] {
  if (scopes === 'all' || scopes.includes('')) return [{ from: '', until: undefined }]
  const ranges = rangesOf(scopes)
  return after === undefined ? ranges : ranges.slice(firstBehind(ranges, after))
}

type Closed = { readonly from: string; readonly until: string }

/** Those of a caller with thousands of scopes are asked for again and again, by the same list. */
const known = new WeakMap<readonly string[], readonly Closed[]>()
const keptFrom = 16

function rangesOf(scopes: readonly string[]): readonly Closed[] {
  const kept = known.get(scopes)
  if (kept) return kept
  const ranges = outermost(scopes)
    .flatMap((scope) => [
      // Nothing lies between a text and itself with the lowest storable character behind it.
      { from: scope, until: `${scope}\u0001` },
      // '0' follows '/'.
      { from: `${scope}/`, until: `${scope}0` },
    ])
    .map((range) => ({ range, bytes: Buffer.from(range.from) }))
    .sort((one, other) => Buffer.compare(one.bytes, other.bytes))
    .map(({ range }) => range)
  if (scopes.length >= keptFrom) known.set(scopes, ranges)
  return ranges
}

/** The first range that does not end before the key. */
function firstBehind(ranges: readonly Closed[], after: string): number {
  let [low, high] = [0, ranges.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (compareKeys(ranges[middle]?.until ?? '', after) > 0) high = middle
    else low = middle + 1
  }
  return low
}

/** Without those that lie inside another. */
function outermost(scopes: readonly string[]): string[] {
  const held = new Set(scopes)
  return [...held].filter((scope) => {
    for (let end = scope.indexOf('/'); end >= 0; end = scope.indexOf('/', end + 1)) {
      if (held.has(scope.slice(0, end))) return false
    }
    return true
  })
}

/** As both databases compare keys: by their UTF-8 bytes, not by UTF-16 units. */
export function compareKeys(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other))
}
