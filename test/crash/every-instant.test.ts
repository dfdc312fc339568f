import { describe, expect, it } from 'vitest'
import { openStory } from '../support/die-and-restart.ts'
import { mainStories, type Story } from '../support/stories.ts'

/** Tells a story once undisturbed, then once for each change it makes and each side of it on which a process may die. */
async function dieEverywhere(story: Story): Promise<void> {
  const told = await openStory(story)
  try {
    const { outcome, lives } = await told.tell({ deaths: [] })
    const [names = []] = lives
    expect(names.length).toBeGreaterThan(20)
    expect(outcome.failures).toEqual([])
    for (const [at, name] of names.entries()) {
      for (const when of ['before', 'after'] as const) {
        const what = `died ${when} change ${at + 1} of ${names.length}: ${name}`
        const fate = { deaths: [{ call: at + 1, when }], sweeps: when === 'after' }
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

describe('a process that dies at any instant and is started again ends where it would have', () => {
  for (const story of Object.values(mainStories)) {
    it(story.name, () => dieEverywhere(story))
  }
})
