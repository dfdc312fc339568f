import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Engine, openClock, openEngine } from './engine.ts'
import { keepBeginning } from './engine-database.ts'
import { type Death, Died } from './life.ts'
import { expectSoundAtDeath, expectSoundAtRest, outcomeOf } from './soundness.ts'
import type { Story } from './stories.ts'

/** Deaths of one story in a row; the last life is not cut short. */
export type Fate = {
  readonly deaths: readonly Death[]
  readonly atOnce?: number
  /** Changes that pass before the client interferes. */
  readonly patience?: number
  /** A sweep right after a restart, before anything goes on. */
  readonly sweeps?: boolean
}

/** A story whose beginning lies ready in a folder, to be told many times. */
export async function openStory(story: Story) {
  const place = await mkdtemp(join(quickFolder(), 'vitrine-crash-'))
  const beginning = join(place, 'beginning')
  const clock = openClock()
  const settings = story.config ? { config: story.config } : {}
  const engine = await openEngine(beginning, { clock, ...settings })
  await story.prepare(engine)
  await engine.close()
  const beginAgain = await keepBeginning(beginning)
  const startMs = clock.nowMs
  let runs = 0

  /** Tells it with this fate, holding every promise on the way. Answers how it ended and what each life changed. */
  async function tell(fate: Fate) {
    const folder = join(place, `run-${runs++}`)
    await beginAgain(folder)
    const lives: (readonly string[])[] = []
    const time = { nowMs: startMs }
    let open: Engine | undefined
    try {
      let step = 0
      for (let life = 0; step < story.steps.length; life++) {
        const death = fate.deaths[life]
        const { atOnce = 1, patience = 0 } = fate
        const options = { clock: time, atOnce, patience, ...settings }
        open = await openEngine(folder, { ...options, ...(death && { death }) })
        step = await goOn(open, step, life > 0 && fate.sweeps === true)
        lives.push([...open.life.names()])
        if (step < story.steps.length) {
          await open.close()
          open = undefined
        }
      }
      if (!open) throw new Error('the story has an end')
      await expectSoundAtRest(open, story.contents)
      return { outcome: await outcomeOf(open), lives }
    } finally {
      await open?.close()
      await rm(folder, { recursive: true, force: true })
    }
  }

  /** The step that is not done yet when the engine died, or the number of steps. */
  async function goOn(engine: Engine, from: number, sweeps: boolean): Promise<number> {
    let step = from
    try {
      if (sweeps) await engine.sweep()
      for (; step < story.steps.length; step++) await story.steps[step]?.(engine)
    } catch (error) {
      if (!engine.life.isOver()) throw error
      if (!(error instanceof Died) && !isEcho(error)) throw error
    }
    if (engine.life.isOver()) {
      await engine.life.still()
      await expectSoundAtDeath(engine)
    }
    return step
  }

  return { tell, close: () => rm(place, { recursive: true, force: true }) }
}

/** In memory where there is such a place: these deaths do not need a disk, and there are hundreds of them. */
function quickFolder(): string {
  return existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
}

/** An error that came to us over the lanes' messages has lost its class. */
function isEcho(error: unknown): boolean {
  return error instanceof Error && error.name === 'Died'
}
