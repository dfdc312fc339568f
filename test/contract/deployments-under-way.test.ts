import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { JsonObject } from '../../src/domain/rows.ts'
import { isList, valueAt } from '../../src/resources/paths.ts'
import { type Answer, type Arm, errorOf, openArm } from '../support/arm.ts'
import { setLimits } from '../support/set-limits.ts'
import { type Asked, startSourceServer } from '../support/source-server.ts'
import { bare, galleryResource as gallery, nestedResource } from '../support/templates.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const api = '2021-04-01'
const west = { location: 'westeurope' }

/** Disks of a file whose host answers when it is told to: what waits for one is under way until then. */
describe('a deployment that is under way', () => {
  const held: Asked[] = []
  let isHeld = true
  let source: Awaited<ReturnType<typeof startSourceServer>>
  let vitrine: TestInstallation
  let arm: Arm
  beforeAll(async () => {
    source = await startSourceServer({ bytes: new Uint8Array(64 * 1024) }, (asked) => {
      if (isHeld) held.push(asked)
      else asked.serve()
    })
    vitrine = await openTestInstallation({ config: { imports: { hosts: [source.origin] } } })
    arm = openArm(vitrine, 'busy')
    await arm.put(arm.groupPath, west)
  })
  afterAll(async () => {
    await vitrine.close()
    await source.close()
  })

  const release = () => {
    isHeld = false
    for (const asked of held.splice(0)) asked.serve()
  }
  const hold = () => {
    isHeld = true
  }
  const disk = (name: string) => ({
    ...{ type: 'Microsoft.Compute/disks', apiVersion: '2022-07-02', name, ...west },
    properties: { creationData: { createOption: 'Import', sourceUri: `${source.origin}/${name}` } },
  })
  const idOf = (name: string, by = arm) =>
    `${by.groupPath}/providers/Microsoft.Resources/deployments/${name}`
  const put = (name: string, resources: readonly object[], mode = 'Incremental', by = arm) =>
    by.put(idOf(name, by), { properties: { mode, template: { ...bare, resources } } }, api)
  const refusal = (answer: Answer) => [answer.status, errorOf(answer).code]
  const stateOf = async (name: string) =>
    valueAt((await arm.get(idOf(name), api)).body, 'properties.provisioningState')

  async function operationsOf(name: string): Promise<JsonObject> {
    const { body } = await arm.get(`${idOf(name)}/operations`, api)
    const rows = isList(body.value) ? body.value : []
    return Object.fromEntries(
      rows.map((row) => [
        String(valueAt(row, 'properties.targetResource.resourceName')),
        valueAt(row, 'properties.provisioningState') ?? null,
      ]),
    )
  }

  /** Until both disks are asked for. */
  const untilHeld = (paths: readonly string[]) =>
    expect
      .poll(() => held.map(({ path }) => path), { timeout: 30_000 })
      .toEqual(expect.arrayContaining([...paths]))

  it('is neither replaced nor forgotten, and begins nothing more once it is cancelled, nested ones too', async () => {
    hold()
    const inner = [disk('inside'), { ...gallery('insideAfter'), dependsOn: ['inside'] }]
    const resources = [
      disk('first'),
      { ...gallery('after'), dependsOn: ['first'] },
      nestedResource('nested', inner),
    ]
    const begun = await put('cancelled', resources)
    await untilHeld(['/first', '/inside'])
    expect(refusal(await put('cancelled', resources))).toEqual([409, 'DeploymentActive'])
    expect(refusal(await put('nested', []))).toEqual([409, 'DeploymentActive'])
    expect(refusal(await arm.ask('DELETE', idOf('cancelled'), { api }))).toEqual([
      409,
      'DeploymentActive',
    ])
    expect(await stateOf('cancelled')).toBe('Running')
    await expect
      .poll(() => operationsOf('cancelled'))
      .toEqual({ first: 'Running', nested: 'Running' })
    const cancel = () => arm.ask('POST', `${idOf('cancelled')}/cancel`, { api })
    expect((await cancel()).status).toBe(204)
    expect(await arm.ended(begun)).toMatchObject({
      status: 'Canceled',
      error: { code: expect.any(String) },
    })
    expect(await Promise.all(['cancelled', 'nested'].map(stateOf))).toEqual([
      'Canceled',
      'Canceled',
    ])
    expect(await operationsOf('cancelled')).toEqual({ first: 'Canceled', nested: 'Canceled' })
    expect(await operationsOf('nested')).toEqual({ inside: 'Canceled' })
    expect(refusal(await cancel())).toEqual([409, 'DeploymentCannotBeCancelled'])
    release()
    for (const name of ['first', 'inside']) {
      const state = async () =>
        valueAt((await arm.get(`disks/${name}`)).body, 'properties.provisioningState')
      await expect.poll(state, { timeout: 30_000 }).toBe('Succeeded')
    }
    const unfinished = async () =>
      (await vitrine.installation.store.read.work.unfinishedOf(idOf('cancelled').toLowerCase()))
        .length
    await expect.poll(unfinished, { timeout: 30_000 }).toBe(0)
    for (const name of ['after', 'insideAfter']) {
      expect((await arm.get(`galleries/${name}`)).status).toBe(404)
    }
    expect(await arm.ended(await put('cancelled', resources))).toEqual({ status: 'Succeeded' })
    expect((await arm.get('galleries/insideAfter')).status).toBe(200)
  })

  /** As many like one that is under way, without work; their runs. */
  async function makeMore(id: string, count: number): Promise<readonly string[]> {
    const { store } = vitrine.installation
    const row = (await store.read.deployments.get(id.toLowerCase())) ?? expect.fail('it is there')
    const operation = (await store.read.operations.get(row.run)) ?? expect.fail('it is begun')
    const runs = Array.from({ length: count }, () => randomUUID())
    await store.write(async (rows) => {
      for (const [at, run] of runs.entries()) {
        const [key, name] = [`${row.key}${at}`, `${row.name}${at}`]
        await rows.deployments.put({ ...row, key, name, id: `${row.id}${at}`, run }, '')
        await rows.operations.insert({ ...operation, id: run, key })
      }
    })
    return runs
  }

  it('ends with its group: nothing of it is made again', async () => {
    hold()
    const doomed = openArm(vitrine, 'doomed')
    await doomed.put(doomed.groupPath, west)
    const inner = [{ ...disk('below') }, { ...gallery('belowAfter'), dependsOn: ['below'] }]
    const outside = nestedResource('outside', inner, 'doomed')
    const inDoomed = await put('dies', inner.slice(0, 1), 'Incremental', doomed)
    const around = await put('around', [outside, { ...gallery('later'), dependsOn: ['outside'] }])
    await untilHeld(['/below'])
    await expect.poll(() => operationsOf('around')).toEqual({ outside: 'Running' })
    const others = await makeMore(idOf('dies', doomed), 25)
    const deleted = await doomed.ask('DELETE', doomed.groupPath, { api })
    release()
    expect(await doomed.ended(deleted)).toMatchObject({ status: 'Succeeded' })
    expect((await doomed.get(doomed.groupPath, api)).status).toBe(404)
    expect(await arm.ended(around)).toMatchObject({
      status: 'Failed',
      error: { code: 'DeploymentFailed', details: [{ code: 'ResourceDeploymentFailure' }] },
    })
    expect(await operationsOf('around')).toEqual({ outside: 'Failed' })
    expect((await arm.get('galleries/later')).status).toBe(404)
    // Whoever polls learns it of the receipt: the deployment went with its group.
    expect(await doomed.ended(inDoomed)).toMatchObject({ status: 'Canceled' })
    const { operations } = vitrine.installation.store.read
    const ended = await Promise.all(others.map(async (run) => (await operations.get(run))?.status))
    expect([...new Set(ended)]).toEqual(['Canceled'])
    await doomed.put(doomed.groupPath, west)
    const there = await doomed.get(`${doomed.groupPath}/resources`, api)
    expect(there.body.value).toEqual([])
  })

  it('in complete mode stops at a lock: what is locked stays, and is told', async () => {
    hold()
    const inner = openArm(vitrine, 'locked')
    await inner.put(inner.groupPath, west)
    await inner.make('galleries/kept', west)
    await inner.make('galleries/goes', west)
    const begun = await put('all', [disk('only')], 'Complete', inner)
    await untilHeld(['/only'])
    const lock = `${inner.idOf('galleries/kept')}/providers/Microsoft.Authorization/locks/keep`
    await inner.put(lock, { properties: { level: 'CanNotDelete' } })
    release()
    expect(await inner.ended(begun)).toMatchObject({
      status: 'Failed',
      error: {
        code: 'DeploymentFailed',
        details: [{ code: 'ScopeLocked', target: inner.idOf('galleries/kept') }],
      },
    })
    const statuses = await Promise.all(
      ['galleries/kept', 'galleries/goes', 'disks/only'].map(
        async (path) => (await inner.get(path)).status,
      ),
    )
    expect(statuses).toEqual([200, 404, 200])
    await inner.ask('DELETE', lock)
  })

  it('in complete mode deletes nothing when nobody knows any more what a nested one wrote', async () => {
    hold()
    const inner = openArm(vitrine, 'forgotten')
    await inner.put(inner.groupPath, west)
    await inner.make('galleries/left', west)
    const nested = nestedResource('forgotten', [gallery('nestedWrote')])
    const begun = await put('all', [disk('last'), nested], 'Complete', inner)
    await untilHeld(['/last'])
    const forget = async () => (await inner.ask('DELETE', idOf('forgotten', inner), { api })).status
    await expect.poll(forget, { timeout: 30_000 }).toBe(202)
    release()
    expect(await inner.ended(begun)).toMatchObject({
      status: 'Failed',
      error: { code: 'InvalidDeployment', message: expect.stringContaining('nested') },
    })
    for (const name of ['left', 'nestedWrote']) {
      expect((await inner.get(`galleries/${name}`)).status).toBe(200)
    }
  })

  it('in complete mode deletes nothing of a group that is more than it looks at', async () => {
    const wide = openArm(vitrine, 'wide')
    await wide.put(wide.groupPath, west)
    for (const name of ['a', 'b']) await wide.make(`galleries/${name}`, west)
    setLimits({ completeModeRowsMax: 2 })
    const ended = await wide.ended(await put('all', [gallery('c')], 'Complete', wide))
    expect(ended).toMatchObject({
      status: 'Failed',
      error: { code: 'InvalidDeployment', message: expect.stringContaining('more than 2') },
    })
    const body = { properties: { mode: 'Complete', template: bare } }
    const asked = await wide.ask('POST', `${idOf('all', wide)}/whatIf`, { body, api })
    expect(errorOf(asked).code).toBe('InvalidDeployment')
    for (const name of ['a', 'b', 'c']) {
      expect((await wide.get(`galleries/${name}`)).status).toBe(200)
    }
  })

  it('stays, while the oldest that have ended make room for more than a group keeps', async () => {
    hold()
    const full = openArm(vitrine, 'full')
    await full.put(full.groupPath, west)
    setLimits({ deploymentsPerScopeMax: 3 })
    const list = `${full.groupPath}/providers/Microsoft.Resources/deployments`
    const names = async () => {
      const { value } = (await full.get(list, api)).body
      return isList(value) ? value.map((row) => valueAt(row, 'name')) : []
    }
    const begun = [await put('under-way', [disk('held')], 'Incremental', full)]
    for (const name of ['z-oldest', 'a-newer', 'b-newest']) {
      expect(await full.ended(await put(name, [], 'Incremental', full))).toEqual({
        status: 'Succeeded',
      })
    }
    expect(await names()).toEqual(['a-newer', 'b-newest', 'under-way'])
    for (const name of ['more', 'most']) {
      begun.push(await put(name, [disk(name)], 'Incremental', full))
    }
    expect(await names()).toEqual(['more', 'most', 'under-way'])
    const refused = await put('beyond', [], 'Incremental', full)
    expect(refusal(refused)).toEqual([409, 'DeploymentQuotaExceeded'])
    release()
    for (const each of begun) {
      expect(await full.ended(each)).toEqual({ status: 'Succeeded' })
    }
    expect((await put('beyond', [], 'Incremental', full)).status).toBe(201)
  })
})
