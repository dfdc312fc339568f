import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { JsonObject } from '../../src/domain/rows.ts'
import { type Arm, dataBytes, openArm } from '../support/arm.ts'
import { openCliLine } from '../support/cli-line.ts'
import { gallery, group, makeDefinition } from '../support/main-job.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const west = { location: 'westeurope' }
const inGallery = `galleries/${gallery}`
const images = ['plain', 'supported', 'locked', 'linked', 'young', 'mine'] as const

describe('definitions past their end of life', () => {
  let vitrine: TestInstallation
  let arm: Arm
  let folder = ''
  let run: Awaited<ReturnType<typeof openCliLine>>
  beforeAll(async () => {
    vitrine = await openTestInstallation({
      config: { lifecycle: { removeExpiredDefinitions: 'on' } },
    })
    arm = openArm(vitrine)
    await makeDefinition(vitrine)
    for (const name of images) {
      const identifier = { publisher: 'p', offer: 'o', sku: name }
      const properties = { osType: 'Linux', osState: 'Generalized', identifier }
      const endOfLifeDate = '2090-01-01'
      await arm.make(at(name), { ...west, properties: { ...properties, endOfLifeDate } })
    }
    const id = await arm.upload('os', dataBytes(1, 64 * 1024))
    const storageProfile = { osDiskImage: { source: { id } } }
    for (const name of ['plain', 'linked', 'mine'])
      await arm.make(`${at(name)}/versions/1.0.0`, { ...west, properties: { storageProfile } })
    const publishingProfile = { endOfLifeDate: '2091-01-01' }
    const properties = { publishingProfile, storageProfile }
    await arm.make(`${at('supported')}/versions/1.0.0`, { ...west, properties })
    folder = await mkdtemp(join(tmpdir(), 'vitrine-life-'))
    run = await openCliLine(vitrine, folder)
  })
  afterAll(async () => {
    await vitrine.close()
    await rm(folder, { recursive: true })
  })

  const at = (name: string) => `${inGallery}/images/${name}`
  const expired = async () => {
    const path = `${arm.idOf(inGallery)}/providers/Vitrine.Gallery/expiredDefinitions`
    return (await arm.get(path)).body.value as JsonObject[]
  }

  /** Its date comes now. */
  async function expire(name: string): Promise<void> {
    const { store } = vitrine.installation
    const { events, eventWatch } = store.read
    // Nothing that was written before is still to be looked at.
    const isFollowed = async () =>
      !(await events.isBehind()) && (await eventWatch.derived()) === (await events.last())
    await expect.poll(isFollowed).toBe(true)
    const endOfLifeDate = new Date((await store.nowMs()) - 1).toISOString()
    await store.write(async ({ resources, eventWatch }) => {
      const row = await resources.lock(arm.idOf(at(name)).toLowerCase())
      if (!row) throw new Error(`${name} is there`)
      const properties = { ...(row.doc.properties as JsonObject), endOfLifeDate }
      await resources.update({ ...row, doc: { ...row.doc, properties } })
      // As the event of a PUT leads to.
      await eventWatch.setDue(row.key, Date.parse(endOfLifeDate))
    })
  }

  async function look(): Promise<void> {
    const { store } = vitrine.installation
    const duty = { kind: 'EndOfLife', subject: 'installation', queue: 'control', generation: 1 }
    const nowMs = await store.nowMs()
    await store.write(({ work }) => work.request([{ ...duty, key: undefined }], nowMs))
  }

  it('R18 a dry run tells which would go and why the others stay, and deletes nothing', async () => {
    const lock = `${arm.idOf(at('locked'))}/providers/Microsoft.Authorization/locks/keep`
    const body = { properties: { level: 'CanNotDelete' } }
    expect((await arm.ask('PUT', lock, { body, api: '2016-09-01' })).status).toBe(201)
    const url = `${arm.idOf(at('linked'))}/versions/1.0.0/providers/Vitrine.Gallery/signedUrls`
    expect((await arm.ask('POST', url, { body: {} })).status).toBeLessThan(300)
    for (const name of images) if (name !== 'young') await expire(name)
    const told = await expired()
    expect(Object.fromEntries(told.map(({ name, reason }) => [name, reason]))).toEqual({
      plain: undefined,
      mine: undefined,
      supported: 'its version 1.0.0 is supported until 2091-01-01T00:00:00.000Z',
      locked: "it is locked by 'keep'",
      linked: expect.stringMatching(/^its version 1\.0\.0 has a signed URL that is good until /),
    })
    expect(told.find(({ name }) => name === 'plain')).toMatchObject({ removable: true })
    expect((await arm.get(at('plain'))).status).toBe(200)
  })

  it('R18 the rule deletes those that nothing uses, with their versions; each end is told once', async () => {
    await expect
      .poll(async () => {
        await look()
        return (await arm.get(at('plain'))).status
      })
      .toBe(404)
    await expect.poll(async () => (await arm.get(at('mine'))).status).toBe(404)
    for (const name of ['supported', 'locked', 'linked', 'young'])
      expect((await arm.get(at(name))).status).toBe(200)
    const { store } = vitrine.installation
    await expect
      .poll(async () => await store.read.eventWatch.due(await store.nowMs(), 100))
      .toEqual([])
    const { rows } = await store.read.events.list({
      subscription: vitrine.subscription,
      sinceMs: 0,
      untilMs: Number.MAX_SAFE_INTEGER,
      kinds: ['endOfLife'],
      after: undefined,
      rowsMax: 100,
    })
    const told = rows.map(({ resourceId }) => resourceId.split('/').at(-1)).toSorted()
    expect(told).toEqual(['linked', 'locked', 'mine', 'plain', 'supported'])
    expect(
      await store.read.placements.ofKeepers([
        `${arm.idOf(at('plain')).toLowerCase()}/versions/1.0.0`,
      ]),
    ).toEqual([])
  })

  it('R18 the command line shows them, and deletes those that go when it is told to', async () => {
    await arm.make(`${at('young')}/versions/1.0.0`, {
      ...west,
      properties: { storageProfile: { osDiskImage: { source: { id: arm.idOf('disks/os') } } } },
    })
    await expire('young')
    const line = ['image-definition', 'expired', '-g', group, '-r', gallery]
    const dry = await run(...line)
    expect(dry.out).toMatch(/\nyoung +\S+ .*yes/)
    expect(dry.out).toMatch(/\nlocked .*no +it is locked by 'keep'/)
    expect((await arm.get(at('young'))).status).toBe(200)
    expect((await run(...line, '--delete')).out).toMatch(/\nyoung .*gone/)
    expect((await arm.get(at('young'))).status).toBe(404)
    expect((await arm.get(at('locked'))).status).toBe(200)
  })
})
