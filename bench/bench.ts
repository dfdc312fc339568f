import type { Figure, Missing } from './figures.ts'
import type { Images } from './images.ts'

/** What every group of targets is handed. */
export type Bench = {
  /** Pairs (A B) of each comparison; they are interleaved: A B A B. */
  readonly pairs: number
  /** A folder for this run alone, removed at its end. */
  readonly folder: string
  readonly images: Images
  say(figure: Figure): void
  missing(what: Missing): void
}

/** Some targets that are measured together. */
export type Group = {
  readonly targets: readonly number[]
  readonly name: string
  run(bench: Bench): Promise<void>
}

/** Both sides of a comparison, one value each a pair, in the order in which they were taken. */
export type Paired = { readonly ours: readonly number[]; readonly theirs: readonly number[] }

/** A B A B …: what the machine does meanwhile meets both sides alike. */
export async function takePairs(
  count: number,
  ours: (round: number) => Promise<number>,
  theirs: (round: number) => Promise<number>,
): Promise<Paired> {
  const paired = { ours: [] as number[], theirs: [] as number[] }
  for (let round = 0; round < count; round++) {
    paired.ours.push(await ours(round))
    paired.theirs.push(await theirs(round))
  }
  return paired
}

/** The first over the second, pair by pair. */
export function ratios({ ours, theirs }: Paired): number[] {
  return ours.map((value, round) => value / (theirs[round] ?? Number.NaN))
}

/** Seconds on the clock that `act` took. */
export async function secondsOf(act: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await act()
  return (performance.now() - start) / 1000
}
