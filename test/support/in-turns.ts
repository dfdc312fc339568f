/** Runs `act` on all of `items`, at most `atOnce` at a time. */
export async function inTurns<Item>(
  items: readonly Item[],
  atOnce: number,
  act: (item: Item) => Promise<void>,
): Promise<void> {
  const waiting = [...items].values()
  const hands = Array.from({ length: atOnce }, async () => {
    for (const item of waiting) await act(item)
  })
  await Promise.all(hands)
}
