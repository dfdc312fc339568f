import fc from 'fast-check'
import { afterAll, expect, inject, it } from 'vitest'
import { openStory } from '../support/die-and-restart.ts'
import { stories } from '../support/stories.ts'

type Told = Awaited<ReturnType<typeof openStory>>
type Ready = { readonly story: Told; readonly end: Awaited<ReturnType<Told['tell']>>['outcome'] }

const ready = new Map<string, Promise<Ready>>()
afterAll(async () => {
  for (const each of ready.values()) await (await each).story.close()
})

/** The story, its beginning made once, and how it ends when nobody dies and the client waits. */
function readyStory(name: string): Promise<Ready> {
  const known = ready.get(name) ?? makeReady(name)
  ready.set(name, known)
  return known
}

async function makeReady(name: string): Promise<Ready> {
  const story = stories[name]
  if (!story) throw new Error(`there is no story ${name}`)
  const told = await openStory(story)
  const { outcome } = await told.tell({ deaths: [], patience: 1000 })
  return { story: told, end: outcome }
}

const deaths = fc.array(
  fc.record({ call: fc.integer({ min: 1, max: 60 }), when: fc.constantFrom('before', 'after') }),
  { maxLength: 4 },
)
const fates = fc.record({
  deaths,
  atOnce: fc.constantFrom(1, 4),
  patience: fc.nat(50),
  sweeps: fc.boolean(),
})

it('any number of deaths, with any haste of the client, ends where it would have', async () => {
  const names = fc.constantFrom(...Object.keys(stories))
  const promise = fc.asyncProperty(names, fates, async (name, fate) => {
    const { story, end } = await readyStory(name)
    const { outcome } = await story.tell(fate)
    expect(outcome).toEqual(end)
  })
  // On PostgreSQL a story takes several times as long.
  await fc.assert(promise, { numRuns: inject('database') === 'postgres' ? 20 : 120 })
})
