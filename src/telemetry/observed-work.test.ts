import { expect, it } from 'vitest'
import { readMetrics, sumOf } from '../../test/support/read-metrics.ts'
import { ArmError, Unavailable } from '../domain/errors.ts'
import { LeaseLost, type Outcome, type Running, type Step, type Work } from '../runner/work.ts'
import { openMeters } from './meters.ts'
import { observedWork } from './observed-work.ts'

const row = {
  id: '1',
  kind: 'Try',
  subject: 'a',
  queue: 'control',
  generation: 1,
  key: undefined,
  step: '',
  state: {},
  wakeMs: 0,
  attempts: 0,
  fence: 1,
  cancel: false,
  createdMs: 0,
}

function onlyStep({ steps }: Work): Step {
  const [step] = Object.values(steps)
  if (!step) throw new Error('the work has a step')
  return step
}

/** The outcomes that are counted when a step ends so. */
async function outcomesOf(
  step: () => Promise<Outcome>,
  signal: AbortSignal = new AbortController().signal,
): Promise<{ counted: string[]; leasesLost: number | undefined; thrown: unknown }> {
  const meters = openMeters()
  const work: Work = { kind: 'Try', steps: { only: step } }
  const observed = observedWork(work, { meters, tracing: undefined })
  const running: Running = { row, state: {}, signal, write: () => Promise.reject(new Error()) }
  const thrown = await onlyStep(observed)(running).then(
    () => undefined,
    (error: unknown) => error,
  )
  const metrics = readMetrics(await meters.render([]))
  const counts = metrics.filter(({ name }) => name === 'vitrine_work_step_duration_seconds_count')
  return {
    counted: counts.map(({ labels, value }) => `${Object.values(labels).join(' ')} ${value}`),
    leasesLost: sumOf(metrics, 'vitrine_work_leases_lost_total'),
    thrown,
  }
}

it('a step counts as what it answers', async () => {
  const found = await outcomesOf(async () => ({ is: 'wait', state: {}, forMs: 1 }))
  expect(found).toEqual({ counted: ['Try only wait 1'], leasesLost: 0, thrown: undefined })
})

it.each([
  ['failed', new ArmError('Conflict', 'no')],
  ['fault', new Unavailable('away')],
  ['fault', new TypeError('ours')],
  ['lost', new LeaseLost('1')],
])('a step that throws counts as %s, and throws the same', async (outcome, error) => {
  const found = await outcomesOf(() => Promise.reject(error))
  expect(found.counted).toEqual([`Try only ${outcome} 1`])
  expect(found.leasesLost).toBe(outcome === 'lost' ? 1 : 0)
  expect(found.thrown).toBe(error)
})

it('a step that is told to end counts as why, whatever it throws then', async () => {
  const broke = () => Promise.reject(new TypeError('torn away'))
  const lost = AbortSignal.abort(new LeaseLost('1'))
  expect((await outcomesOf(broke, lost)).counted).toEqual(['Try only lost 1'])
  const stopped = AbortSignal.abort(new Error('told to stop'))
  expect((await outcomesOf(broke, stopped)).counted).toEqual(['Try only stopped 1'])
})
