import fc from 'fast-check'
import { describe, expect, inject, it } from 'vitest'
import { openStory } from '../support/die-and-restart.ts'
import type { Death } from '../support/life.ts'
import { mainStories, type Story } from '../support/stories.ts'

/** On PostgreSQL a story takes three times as long: there some instants of each kind of change are tried, by the seed. */
const instantsOfKind = inject('database') === 'postgres' ? 2 : Number.POSITIVE_INFINITY
const seed = Date.now()

/**
 * Tells a story once undisturbed, then once for each change it makes. What is durable after a change is what is durable
 * before the next one, so one side of each will do. Every second time a sweep comes first.
 */
async function dieEverywhere(story: Story, sides: readonly Death['when'][]): Promise<void> {
  const told = await openStory(story)
  try {
    const { outcome, lives } = await told.tell({ deaths: [] })
    const [names = []] = lives
    expect(names.length).toBeGreaterThan(20)
    expect(outcome.failures).toEqual([])
    for (const at of instantsOf(names)) {
      for (const [side, when] of sides.entries()) {
        const what = `died ${when} change ${at + 1} of ${names.length}: ${names[at]}, seed ${seed}`
        const fate = { deaths: [{ call: at + 1, when }], sweeps: (at + side) % 2 === 0 }
        const run = told.tell(fate).catch((error: unknown) => {
          throw new Error(what, { cause: error })
        })
        expect({ what, ...(await run).outcome }).toEqual({ what, ...outcome })
      }
    }
  } finally {
    await told.close()
  }
}

/** Indexes of changes, ascending: every kind of change is among them. */
function instantsOf(names: readonly string[]): number[] {
  const all = [...names.keys()]
  const ofKind = Map.groupBy(all, (at) => names[at])
  const drawn = [...ofKind.values()].flatMap((kind) => {
    const length = Math.min(kind.length, instantsOfKind)
    const some = fc.shuffledSubarray(kind, { minLength: length, maxLength: length })
    return fc.sample(some, { seed, numRuns: 1 }).flat()
  })
  return drawn.sort((one, other) => one - other)
}

describe('a process that dies at any instant and is started again ends where it would have', () => {
  const { publish, ...others } = mainStories
  it(publish.name, () => dieEverywhere(publish, ['before', 'after']))
  for (const story of Object.values(others)) {
    it(story.name, () => dieEverywhere(story, ['after']))
  }
})
