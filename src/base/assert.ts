/** Our own promise was broken. Never the caller's fault, never the world's. */
export class InvariantBroken extends Error {
  override readonly name = 'InvariantBroken'
}

/** States what must hold; throws InvariantBroken when it does not. */
export function invariant(holds: unknown, what: string): asserts holds {
  if (!holds) throw new InvariantBroken(what)
}
