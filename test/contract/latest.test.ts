import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { JsonObject } from '../../src/domain/rows.ts'
import { versionSortKey } from '../../src/domain/version-name.ts'
import { findLatest } from '../../src/providers/facts.ts'
import { type Arm, dataBytes, errorOf, openArm } from '../support/arm.ts'
import { settings as deskSettings } from '../support/desk.ts'
import { definition, gallery, makeDefinition } from '../support/main-job.ts'
import { openMovingWorld } from '../support/moving-world.ts'
import { replicaRow } from '../support/store-rows.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const west = { location: 'westeurope' }
const image = `galleries/${gallery}/images/${definition}`
const minuteMs = 60_000

describe('latest, and the end of life', () => {
  const world = openMovingWorld()
  let vitrine: TestInstallation
  let arm: Arm
  let count = 0
  beforeAll(async () => {
    vitrine = await openTestInstallation({ world })
    arm = openArm(vitrine)
    await makeDefinition(vitrine)
  })
  afterAll(() => vitrine.close())

  /** A version whose first byte says which one it is. */
  async function publish(name: string, mark: number, publishingProfile: JsonObject = {}) {
    const bytes = dataBytes(mark, 64 * 1024)
    bytes[0] = mark
    const id = await arm.upload(`source${mark}`, bytes)
    await arm.make(`${image}/versions/${name}`, {
      ...west,
      properties: { publishingProfile, storageProfile: { osDiskImage: { source: { id } } } },
    })
  }

  const markOf = async (path: string, location = 'westeurope') =>
    (await arm.bytesOf(path, location))[0]

  async function refused(path: string, location = 'westeurope') {
    count += 1
    const galleryImageReference = { id: arm.idOf(path) }
    const answer = await arm.put(`disks/refused${count}`, {
      location,
      properties: { creationData: { createOption: 'FromImage', galleryImageReference } },
    })
    return { status: answer.status, ...errorOf(answer) }
  }

  it('of a definition without versions: GalleryImageNotFound', async () => {
    expect(await refused(image)).toMatchObject({ status: 404, code: 'GalleryImageNotFound' })
  })

  it('R25 orders by number, not by text and not by date', async () => {
    await publish('2.0.0', 20)
    await publish('10.0.0', 100)
    await publish('9.99.99', 99)
    await publish('1.0.0', 10)
    expect(await markOf(image)).toBe(100)
    expect(await markOf(`${image}/versions/latest`)).toBe(100)
    await publish('10.2.0', 102)
    await publish('10.10.0', 110)
    expect(await markOf(`${image}/versions/LATEST`)).toBe(110)
  })

  it('R66 takes the highest that the region has', async () => {
    const targetRegions = [{ name: 'westeurope' }, { name: 'eastus' }]
    expect(await refused(image, 'eastus')).toMatchObject({ code: 'GalleryImageNotFound' })
    await publish('3.0.0', 30, { targetRegions })
    expect(await markOf(image, 'eastus')).toBe(30)
    expect(await markOf(image, 'westeurope')).toBe(110)
  })

  it('R26 passes over what is excluded; a region’s own word beats that of the version', async () => {
    await publish('11.0.0', 111, { excludeFromLatest: true })
    expect(await markOf(image)).toBe(110)
    const path = `${image}/versions/11.0.0`
    const { body } = await arm.get(path)
    const targetRegions = [{ name: 'westeurope', excludeFromLatest: false }, { name: 'eastus' }]
    const properties = { publishingProfile: { excludeFromLatest: true, targetRegions } }
    await arm.make(path, { ...body, properties })
    expect(await markOf(image)).toBe(111)
    expect(await markOf(image, 'eastus')).toBe(30)
    expect(await markOf(path, 'eastus')).toBe(111)
  })

  it('R103 excludeFromLatest is mutable', async () => {
    const path = `${image}/versions/11.0.0`
    const edit = async (excludeFromLatest: boolean) => {
      const body = {
        properties: {
          publishingProfile: { excludeFromLatest, targetRegions: [{ name: 'westeurope' }] },
        },
      }
      expect(await arm.ended(await arm.ask('PATCH', path, { body }))).toMatchObject({
        status: 'Succeeded',
      })
    }
    await edit(true)
    expect(await markOf(image)).toBe(110)
    await edit(false)
    expect(await markOf(image)).toBe(111)
  })

  it('is a source of a version, by the id of the definition or as latest; the path itself is none', async () => {
    const other = `galleries/${gallery}/images/other`
    const { body } = await arm.get(image)
    const identifier = { publisher: 'p', offer: 'o', sku: 's' }
    const { properties } = body
    await arm.make(other, { ...west, properties: { ...(properties as JsonObject), identifier } })
    for (const [name, path] of [
      ['1.0.0', `${image}/versions/latest`],
      ['2.0.0', image],
    ] as const) {
      const source = { id: arm.idOf(path) }
      const made = await arm.make(`${other}/versions/${name}`, {
        ...west,
        properties: { storageProfile: { source } },
      })
      expect(made.properties).toMatchObject({ storageProfile: { source } })
      expect(await markOf(`${other}/versions/${name}`)).toBe(111)
      // The id stays as it was written; which one it was is told beside it.
      const sourceVersion = arm.idOf(`${image}/versions/11.0.0`)
      const view = `${other}/versions/${name}/providers/Vitrine.Gallery/replication`
      expect((await arm.get(view)).body).toMatchObject({ sourceVersion })
    }
    const none = await arm.put(`${other}/versions/3.0.0`, {
      location: 'westus',
      properties: { storageProfile: { source: { id: arm.idOf(image) } } },
    })
    expect(errorOf(none)).toMatchObject({ code: 'NotFound' })
    const empty = `galleries/${gallery}/images/empty`
    const unlike = { ...(properties as JsonObject), identifier: { ...identifier, sku: 'e' } }
    await arm.make(empty, { ...west, properties: unlike })
    const profiles: readonly JsonObject[] = [{ excludeFromLatest: true }, {}]
    for (const [at, publishingProfile] of profiles.entries()) {
      const storageProfile = { source: { id: arm.idOf(`${image}/versions/1.0.0`) } }
      const path = `${empty}/versions/${at}.0.0`
      await arm.make(path, { ...west, properties: { publishingProfile, storageProfile } })
      if (at === 1) await arm.remove(path)
      // The one there is is excluded, the other one is gone.
      for (const id of [empty, `${empty}/versions/latest`].map(arm.idOf)) {
        const body = { ...west, properties: { storageProfile: { source: { id } } } }
        const refusal = await arm.put(`${other}/versions/3.0.0`, body)
        expect({ status: refusal.status, ...errorOf(refusal) }).toMatchObject({
          status: 404,
          code: 'NotFound',
        })
      }
    }
    expect(errorOf(await arm.get(`${image}/versions/latest`))).toMatchObject({
      code: 'ResourceNotFound',
    })
    const sent = await arm.put(`${image}/versions/latest`, { ...west, properties: {} })
    expect(errorOf(sent)).toMatchObject({ target: 'galleryImageVersionName' })
  })

  it('R25 R26 in each region is what a plain look at all versions finds, whatever they are', async () => {
    const { store } = vitrine.installation
    const key = `${arm.idOf(image).toLowerCase()}`
    const like = await store.read.resources.get(`${key}/versions/1.0.0`)
    if (!like) throw new Error('1.0.0 is there')
    const word = fc.constantFrom(true, false, undefined)
    const part = fc.oneof(fc.nat(12), fc.constantFrom(99, 100, 2_147_483_647))
    const oneVersion = fc.record({
      parts: fc.tuple(part, part, part),
      excluded: word,
      regions: fc.record({ westeurope: word, eastus: word }, { requiredKeys: [] }),
      usable: fc.record({ westeurope: fc.boolean(), eastus: fc.boolean() }),
      gone: fc.constantFrom(false, false, false, true),
    })
    const some = fc.uniqueArray(oneVersion, {
      selector: ({ parts }) => parts.join('.'),
      maxLength: 9,
    })
    let runs = 0
    await fc.assert(
      fc.asyncProperty(some, async (versions) => {
        const parentKey = `${key}-${++runs}`
        await store.write(async ({ resources, replicas }) => {
          const definitionRow = (await resources.get(key)) ?? like
          await resources.insert({ ...definitionRow, key: parentKey, id: parentKey })
          for (const { parts, excluded, regions, usable, gone } of versions) {
            const name = parts.join('.')
            const [major, minor, patch] = parts
            const versionKey = `${parentKey}/versions/${name}`
            const publishingProfile = {
              ...(excluded !== undefined && { excludeFromLatest: excluded }),
              targetRegions: Object.entries(regions).map(([region, own]) => ({
                name: region,
                ...(own !== undefined && { excludeFromLatest: own }),
              })),
            }
            await resources.insert({
              ...like,
              ...{ key: versionKey, id: versionKey, parentKey, name },
              nameSort: versionSortKey({ major, minor, patch }),
              doc: { ...like.doc, properties: { publishingProfile } },
              ...(gone && { state: 'Deleting' as const }),
            })
            for (const region of ['westeurope', 'eastus'] as const)
              await replicas.put(replicaRow(versionKey, region, { usable: usable[region] }))
          }
        })
        const settings = { ...deskSettings }
        for (const region of ['westeurope', 'eastus'] as const) {
          const wanted = versions
            .filter(({ gone, usable }) => !gone && usable[region])
            .filter(({ regions }) => region in regions)
            .filter(({ regions, excluded }) => (regions[region] ?? excluded) !== true)
            .map(({ parts }) => parts)
            .toSorted((a, b) => b[0] - a[0] || b[1] - a[1] || b[2] - a[2])[0]
          const found = await findLatest({ rows: store.read, settings }, parentKey, region)
          expect(found?.name).toBe(wanted?.join('.'))
        }
      }),
      { numRuns: 15 },
    )
  })

  it('goes back to the one before when the highest is deleted', async () => {
    await arm.remove(`${image}/versions/11.0.0`)
    expect(await markOf(image)).toBe(110)
  })

  it('R27 nothing is made from a version after its end of life; its data stays', async () => {
    const soon = new Date(world.now().getTime() + 5 * minuteMs).toISOString()
    await publish('12.0.0', 120, { endOfLifeDate: soon })
    const path = `${image}/versions/12.0.0`
    expect(await markOf(path)).toBe(120)
    world.move(6 * minuteMs)
    for (const asked of [path, image]) {
      expect(await refused(asked)).toEqual({
        status: 409,
        code: 'OperationNotAllowed',
        message: expect.stringMatching(
          /12\.0\.0 reached its end of life on .*: nothing can be created from it any more\./,
        ),
        target: 'imageReference',
      })
    }
    expect((await arm.get(path)).body.properties).toMatchObject({ provisioningState: 'Succeeded' })
    // Another version is: what is wanted for longer is moved on so.
    const source = { id: arm.idOf(image) }
    const properties = { storageProfile: { source } }
    const copy = await arm.put(`galleries/${gallery}/images/other/versions/4.0.0`, {
      ...west,
      properties,
    })
    expect(await arm.ended(copy)).toMatchObject({ status: 'Succeeded' })
  })

  it('R103 a later end of life brings it back; the date that has passed may be sent back', async () => {
    const path = `${image}/versions/12.0.0`
    const { body } = await arm.get(path)
    expect((await arm.put(path, { ...body, tags: { kept: 'yes' } })).status).toBe(200)
    const properties = { publishingProfile: { endOfLifeDate: '2090-01-01' } }
    const patched = await arm.ask('PATCH', path, { body: { properties } })
    expect(await arm.ended(patched)).toMatchObject({ status: 'Succeeded' })
    expect(await markOf(path)).toBe(120)
  })
})

describe('the end of life, as Azure takes it today', () => {
  it('R27 a date that has passed only informs when the configuration says so', async () => {
    const world = openMovingWorld()
    const vitrine = await openTestInstallation({
      world,
      config: { compatibility: { endOfLife: 'inform' } },
    })
    try {
      const arm = openArm(vitrine)
      await makeDefinition(vitrine)
      const id = await arm.upload('os', dataBytes(1))
      const endOfLifeDate = new Date(world.now().getTime() + minuteMs).toISOString()
      await arm.make(`${image}/versions/1.0.0`, {
        ...west,
        properties: {
          publishingProfile: { endOfLifeDate },
          storageProfile: { osDiskImage: { source: { id } } },
        },
      })
      world.move(2 * minuteMs)
      const bytes = await arm.bytesOf(image, 'westeurope')
      expect(Buffer.compare(bytes, Buffer.from(dataBytes(1)))).toBe(0)
    } finally {
      await vitrine.close()
    }
  })
})
