import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Arm, dataBytes, errorOf, openArm } from '../support/arm.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const west = { location: 'westeurope' }
const limits = { galleriesPerRegion: 5, definitionsPerRegion: 4, versionsPerRegion: 3 }

const plan = (sku: string) => ({
  ...west,
  properties: {
    osType: 'Linux',
    osState: 'Generalized',
    identifier: { publisher: 'p', offer: 'o', sku },
  },
})

describe('quotas and usages', () => {
  let data: string
  let vitrine: TestInstallation
  let arm: Arm
  beforeAll(async () => {
    data = await mkdtemp(join(tmpdir(), 'vitrine-quotas-'))
    vitrine = await openTestInstallation({ data, config: { limits } })
    arm = openArm(vitrine)
    await arm.put(arm.groupPath, west)
    await arm.put('galleries/base', west)
  })
  afterAll(async () => {
    await vitrine.close()
    await rm(data, { recursive: true })
  })

  const usage = async (location: string) => {
    const found: Record<string, number | undefined> = {}
    for await (const { name, currentValue } of vitrine.compute.usage.list(location)) {
      found[name.value ?? ''] = currentValue
    }
    return found
  }

  it('R80 galleries per subscription and region: exact under twenty creators at once', async () => {
    const asked = await Promise.all(
      Array.from({ length: 20 }, (_, at) => arm.put(`galleries/q${at}`, west)),
    )
    const refused = asked.filter((answer) => answer.status !== 201)
    expect(refused).toHaveLength(16)
    for (const answer of refused) {
      expect(answer.status).toBe(409)
      expect(errorOf(answer)).toMatchObject({
        code: 'QuotaExceeded',
        message: expect.stringMatching(
          /exceeding the approved Gallery quota\. Location: westeurope, limit: 5\./,
        ),
      })
    }
    expect(await usage('westeurope')).toMatchObject({ Gallery: 5 })
    const { value } = (await arm.get('galleries')).body
    expect(value).toHaveLength(5)
  })

  it('R80 another region has its own count, and a deleted gallery gives its place back', async () => {
    expect((await arm.put('galleries/elsewhere', { location: 'East US' })).status).toBe(201)
    expect(await usage('eastus')).toMatchObject({ Gallery: 1 })
    const full = await arm.put('galleries/more', west)
    expect(full.status).toBe(409)
    const { value } = (await arm.get('galleries')).body
    const made = Array.isArray(value) ? value.map((each) => String(each.name)) : []
    await arm.remove(`galleries/${made.find((name) => name.startsWith('q'))}`)
    expect((await arm.put('galleries/more', west)).status).toBe(201)
    expect((await arm.put('galleries/more', { ...west, tags: {} })).status).toBe(200)
    expect(await usage('westeurope')).toMatchObject({ Gallery: 5 })
  })

  it('R81 definitions per subscription and region, whatever gallery they are in', async () => {
    const asked = await Promise.all(
      Array.from({ length: 8 }, (_, at) =>
        arm.put(`galleries/${at % 2 ? 'base' : 'elsewhere'}/images/d${at}`, plan(`s${at}`)),
      ),
    )
    expect(asked.map((answer) => answer.status).sort()).toEqual([
      201, 201, 201, 201, 409, 409, 409, 409,
    ])
    expect(await usage('westeurope')).toMatchObject({ GalleryImage: 4 })
  })

  it('R82 versions per subscription and region', async () => {
    const disk = await arm.upload('os', dataBytes(1))
    const { value } = (await arm.get('galleries/base/images')).body
    const definition = Array.isArray(value) ? value[0]?.name : undefined
    const body = {
      ...west,
      properties: { storageProfile: { osDiskImage: { source: { id: disk } } } },
    }
    const path = (patch: number) => `galleries/base/images/${definition}/versions/1.0.${patch}`
    const asked = await Promise.all(Array.from({ length: 6 }, (_, at) => arm.put(path(at), body)))
    const made = asked.filter((answer) => answer.status === 201)
    expect(made).toHaveLength(3)
    const refused = asked.filter((answer) => answer.status !== 201)
    expect(refused.map((answer) => errorOf(answer).code)).toEqual(Array(3).fill('QuotaExceeded'))
    for (const answer of made)
      expect(await arm.ended(answer)).toMatchObject({ status: 'Succeeded' })
    expect(await usage('westeurope')).toMatchObject({ GalleryImageVersion: 3 })
    await arm.remove(String(made[0]?.body.id))
    expect(await usage('westeurope')).toMatchObject({ GalleryImageVersion: 2 })
  })

  it('R85 usages have Azure’s shape, in any spelling of the location', async () => {
    const path = `/subscriptions/${vitrine.subscription}/providers/Microsoft.Compute/locations`
    const { status, body } = await arm.get(`${path}/West%20Europe/usages`)
    expect(status).toBe(200)
    expect(body).toEqual({
      value: [
        ['Gallery', 'Gallery', 5, 5],
        ['GalleryImage', 'Gallery Image', 4, 4],
        ['GalleryImageVersion', 'Gallery Image Version', 3, 2],
      ].map(([value, localizedValue, limit, currentValue]) => ({
        limit,
        unit: 'Count',
        currentValue,
        name: { value, localizedValue },
      })),
    })
    expect(errorOf(await arm.get(`${path}/mars/usages`))).toMatchObject({
      code: 'NoRegisteredProviderFound',
      message: expect.stringContaining("location 'mars'"),
    })
  })

  it('limits that are lower after a restart refuse growth only', async () => {
    await vitrine.close()
    const lower = { ...limits, galleriesPerRegion: 2 }
    vitrine = await openTestInstallation({ data, config: { limits: lower } })
    arm = openArm(vitrine)
    const path = `/subscriptions/${vitrine.subscription}/providers/Microsoft.Compute/locations/westeurope/usages`
    expect((await arm.get(path)).body).toMatchObject({
      value: [{ limit: 2, currentValue: 5 }, {}, {}],
    })
    expect((await arm.put('galleries/base', { ...west, tags: { a: 'b' } })).status).toBe(200)
    expect(errorOf(await arm.put('galleries/onemore', west)).code).toBe('QuotaExceeded')
    await arm.remove('galleries/more')
    expect(errorOf(await arm.put('galleries/more', west)).code).toBe('QuotaExceeded')
    expect(await usage('westeurope')).toMatchObject({ Gallery: 4 })
  })

  it('a group that goes gives all its places back', async () => {
    await arm.ended(await arm.ask('DELETE', arm.groupPath))
    expect(await usage('westeurope')).toEqual({
      Gallery: 0,
      GalleryImage: 0,
      GalleryImageVersion: 0,
    })
    expect(await usage('eastus')).toMatchObject({ Gallery: 0 })
  })

  it('R80 R81 R82 R85 usages are what is there, whatever is made, changed, refused, failed and deleted at once', async () => {
    await arm.put(arm.groupPath, west)
    await arm.upload('os', dataBytes(1, 64 * 1024))
    const { store } = vitrine.installation
    const places = ['westeurope', 'eastus'] as const
    const counted = async (type: string, region: string) => {
      const query = { type, scopes: 'all', after: undefined, rowsMax: 1_000 } as const
      const { rows } = await store.read.resources.list(query)
      return rows.filter((row) => row.region === region).length
    }
    const type = 'Microsoft.Compute/galleries'
    const there = async (region: string) => ({
      Gallery: await counted(type, region),
      GalleryImage: await counted(`${type}/images`, region),
      GalleryImageVersion: await counted(`${type}/images/versions`, region),
    })
    const one = fc.record({
      what: fc.constantFrom('gallery', 'image', 'image', 'version', 'version', 'version'),
      at: fc.tuple(fc.nat(2), fc.nat(1), fc.nat(2)),
      place: fc.constantFrom(...places),
      deletes: fc.constantFrom(false, false, true),
    })
    type One = typeof one extends fc.Arbitrary<infer Each> ? Each : never
    const act = async ({ what, at: [g, i, v], place: location, deletes }: One) => {
      const inGallery = `galleries/g${g}`
      const image = `${inGallery}/images/i${i}`
      // Of i1 no version can be made: its generation is not the disk's.
      const { properties } = plan(`${g}${i}`)
      const storageProfile = { osDiskImage: { source: { id: arm.idOf('disks/os') } } }
      const [path, body] = {
        gallery: [inGallery, { location }],
        image: [image, { location, properties: { ...properties, hyperVGeneration: `V${i + 1}` } }],
        version: [`${image}/versions/1.0.${v}`, { location, properties: { storageProfile } }],
      }[what] as [string, object]
      const answer = await (deletes ? arm.ask('DELETE', path) : arm.put(path, body))
      expect(answer.status).toBeLessThan(500)
      if (answer.headers.has('azure-asyncoperation')) await arm.ended(answer)
    }
    const acts = fc.array(one, { minLength: 10, maxLength: 24 })
    await fc.assert(
      fc.asyncProperty(acts, async (all) => {
        await Promise.all(all.map(act))
        for (const place of places) {
          const used = await usage(place)
          expect(used).toEqual(await there(place))
          expect(used.GalleryImageVersion).toBeLessThanOrEqual(3)
        }
      }),
      { numRuns: 4 },
    )
  })
})
