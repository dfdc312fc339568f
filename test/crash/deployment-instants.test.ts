import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { acceptDeployment, deployQueue } from '../../src/deployments/accept.ts'
import { deployKind } from '../../src/domain/deployments.ts'
import { parseResourceId } from '../../src/domain/resource-id.ts'
import { group, ownerAsked } from '../support/as-owner.ts'
import { deployed, deploymentStory } from '../support/deployment-story.ts'
import { openStory } from '../support/die-and-restart.ts'
import { openEngine } from '../support/engine.ts'
import { bare, galleryResource as galleryIn } from '../support/templates.ts'

/** Of each kind of change, by the seed. */
const instantsOfKind = 2
const seed = Date.now()

it('a deployment whose process dies at any instant and is started again ends where it would have', async () => {
  const told = await openStory(deploymentStory)
  try {
    const { outcome, lives } = await told.tell({ deaths: [] })
    const [names = []] = lives
    expect(names.filter((name) => name.includes('deployments.')).length).toBeGreaterThan(8)
    expect(outcome.failures).toEqual([])
    const ofKind = Map.groupBy([...names.keys()], (at) => names[at])
    const instants = [...ofKind.values()].flatMap((kind) => {
      const length = Math.min(instantsOfKind, kind.length)
      const some = fc.shuffledSubarray(kind, { minLength: length, maxLength: length })
      return fc.sample(some, { seed, numRuns: 1 }).flat()
    })
    for (const at of instants.sort((one, other) => one - other)) {
      const what = `died after change ${at + 1} of ${names.length}: ${names[at]}, seed ${seed}`
      const run = told
        .tell({ deaths: [{ call: at + 1, when: 'after' }] })
        .catch((error: unknown) => {
          throw new Error(what, { cause: error })
        })
      expect({ what, ...(await run).outcome }).toEqual({ what, ...outcome })
    }
  } finally {
    await told.close()
  }
})

it('a role that is lost while a deployment runs is a refusal of what has not begun', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'vitrine-test-'))
  let asks = 0
  const engine = await openEngine(folder, { mayDeploy: () => ++asks <= 1 })
  try {
    await engine.makeDefinition()
    const second = { ...galleryIn('second'), dependsOn: ['first'] }
    const ended = await deployed(engine, 'd', {
      mode: 'Incremental',
      resources: [galleryIn('first'), second],
    })
    expect(ended).toMatchObject({
      state: 'Failed',
      sealed: null,
      properties: { error: { details: [{ code: 'AuthorizationFailed' }] } },
    })
    expect(asks).toBe(2)
  } finally {
    await engine.close()
    await rm(folder, { recursive: true })
  }
})

it('a nested deployment whose parent was cancelled just before is not begun', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'vitrine-test-'))
  const engine = await openEngine(folder)
  try {
    await engine.makeDefinition()
    await deployed(engine, 'around', { mode: 'Incremental', resources: [] })
    const idAt = (name: string) =>
      parseResourceId(`${group}/providers/Microsoft.Resources/deployments/${name}`) ??
      expect.fail('it is an id')
    const { key } = idAt('around')
    const { run = '' } = (await engine.rows.read.deployments.get(key)) ?? {}
    const parent = { key, run, hidesTemplate: false, secretTexts: [] }
    const body = { properties: { mode: 'Incremental', template: bare } }
    const sent = { target: idAt('inner'), read: async () => ({ body }) }
    await expect(acceptDeployment(engine.deploying, ownerAsked, sent, parent)).rejects.toThrow(
      'has ended',
    )
    expect(await engine.rows.read.deployments.get(idAt('inner').key)).toBe(undefined)
  } finally {
    await engine.close()
    await rm(folder, { recursive: true })
  }
})

it('one that takes the place of a cancelled one is done from its beginning, wherever that one was', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'vitrine-test-'))
  const engine = await openEngine(folder)
  try {
    await engine.makeDefinition()
    await deployed(engine, 'again', { mode: 'Incremental', resources: [galleryIn('new')] })
    await engine.removed(`${group}/providers/Microsoft.Compute/galleries/new`)
    const key = `${group}/providers/Microsoft.Resources/deployments/again`.toLowerCase()
    const before = (await engine.rows.read.deployments.get(key)) ?? expect.fail('it is there')
    const [step] = await engine.rows.read.deployments.steps(key)
    const template = (await engine.rows.read.deployments.templateOf(before)) ?? ''
    const run = engine.world.id()
    const sealed = engine.deploying.sealing.seal(`deployment ${run}`, '{"parameters":{}}')
    const asked = { kind: deployKind, subject: key, queue: deployQueue, key }
    const nowMs = await engine.rows.nowMs()
    await engine.rows.write(async (rows) => {
      const lease = { queues: [deployQueue], holder: 'another', leaseMs: 1_000, nowMs }
      await rows.work.request([{ ...asked, generation: before.startedMs }], nowMs)
      const work = (await rows.work.claim(lease)) ?? expect.fail('it is claimed')
      const there = { step: 'end', state: {}, wakeMs: nowMs, attempts: 0 }
      await rows.work.advance(work.id, work.fence, there)
      const startedMs = before.startedMs + 1
      const begun = { run, sealed, startedMs, state: 'Accepted', endedMs: undefined } as const
      await rows.deployments.put({ ...before, ...begun }, template)
      if (step) await rows.deployments.addSteps([{ ...step, state: 'Waiting' }])
      await rows.work.request([{ ...asked, generation: startedMs }], nowMs)
    })
    await engine.quiet()
    expect(await engine.rows.read.deployments.get(key)).toMatchObject({ run, state: 'Succeeded' })
    expect(await engine.find(`${group}/providers/Microsoft.Compute/galleries/new`)).toBeDefined()
  } finally {
    await engine.close()
    await rm(folder, { recursive: true })
  }
})
