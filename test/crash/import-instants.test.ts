import { afterAll, beforeAll, expect, it } from 'vitest'
import { diskId } from '../support/as-owner.ts'
import { openStory } from '../support/die-and-restart.ts'
import { startSourceServer } from '../support/source-server.ts'
import { diskOf } from '../support/stories.ts'

const one = diskOf(1)
let source: Awaited<ReturnType<typeof startSourceServer>>
beforeAll(async () => {
  source = await startSourceServer({ bytes: one })
})
afterAll(() => source.close())

it('an import that dies at any change and is started again ends where it would have', async () => {
  const story = await openStory({
    name: 'import',
    config: { imports: { hosts: [source.origin] } },
    prepare: (engine) => engine.makeDefinition(),
    steps: [
      async (engine) => {
        const sourceUri = `${source.origin}/one.raw?sig=secret`
        const creationData = { createOption: 'Import', sourceUri }
        await engine.put(diskId('one'), { location: 'westeurope', properties: { creationData } })
      },
      (engine) => engine.quiet(),
      (engine) => engine.sweep(),
    ],
    contents: { [diskId('one')]: [one] },
  })
  try {
    const { outcome, lives } = await story.tell({ deaths: [] })
    const [names = []] = lives
    expect(names.length).toBeGreaterThan(8)
    expect(outcome.failures).toEqual([])
    for (const at of names.keys()) {
      const what = `died after change ${at + 1} of ${names.length}: ${names[at]}`
      const fate = { deaths: [{ call: at + 1, when: 'after' as const }], sweeps: at % 2 === 0 }
      expect({ what, ...(await story.tell(fate)).outcome }).toEqual({ what, ...outcome })
    }
  } finally {
    await story.close()
  }
})
