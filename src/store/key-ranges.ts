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
  return outermost(scopes)
    .flatMap((scope) => [
      // Nothing lies between a text and itself with the lowest storable character behind it.
      { from: scope, until: `${scope}\u0001` },
      // '0' follows '/'.
      { from: `${scope}/`, until: `${scope}0` },
    ])
    .filter((range) => after === undefined || compareKeys(range.until, after) > 0)
    .sort((one, other) => compareKeys(one.from, other.from))
}

/** Without those that lie inside another. */
function outermost(scopes: readonly string[]): string[] {
  const held = new Set(scopes)
  return [...held].filter((scope) => !ancestorsOf(scope).some((above) => held.has(above)))
}

function ancestorsOf(key: string): string[] {
  const ends = [...key.matchAll(/\//g)].map((slash) => slash.index)
  return ends.map((end) => key.slice(0, end))
}

/** As both databases compare keys: by their UTF-8 bytes, not by UTF-16 units. */
export function compareKeys(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other))
}
