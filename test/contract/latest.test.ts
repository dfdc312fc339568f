import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { JsonObject } from '../../src/domain/rows.ts'
import { type Arm, dataBytes, errorOf, openArm } from '../support/arm.ts'
import { definition, gallery, makeDefinition } from '../support/main-job.ts'
import { openMovingWorld } from '../support/moving-world.ts'
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
