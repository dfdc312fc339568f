/**
 * Runs `act` over `items`, at most `atOnce` at a time, results in the order of the items.
 * The first failure stops the start of further ones and is thrown after the running ones ended.
 */
export async function mapBounded<Item, Result>(
  items: Iterable<Item> | AsyncIterable<Item>,
  atOnce: number,
  act: (item: Item, index: number) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = []
  const running = new Set<Promise<void>>()
  let failure: { error: unknown } | undefined
  let index = 0
  for await (const item of items) {
    if (failure) break
    const at = index++
    const run: Promise<void> = act(item, at)
      .then((result) => {
        results[at] = result
      })
      .catch((error: unknown) => {
        failure ??= { error }
      })
      .finally(() => running.delete(run))
    running.add(run)
    if (running.size >= atOnce) await Promise.race(running)
  }
  await Promise.all(running)
  if (failure) throw failure.error
  return results
}
